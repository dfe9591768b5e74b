// Images and the texts they carry: reading whatever a user may drop on the program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/colour_profile.h"
#include "tensor/tensor.h"

namespace obscura::io {

// A text that an image carries, both parts UTF-8: ("prompt", "{…}").
struct TextEntry {
  std::string key;
  std::string text;
  bool operator==(const TextEntry&) const = default;
};

// In the order of the file. Keys may repeat.
using ImageMetadata = std::vector<TextEntry>;

// The text of the first entry with this key; null if there is none.
const std::string* find_text(const ImageMetadata& metadata, std::string_view key);

struct Image {
  Tensor pixels;  // (H, W, C), C = 3 (RGB) or 4 (RGB and alpha, not premultiplied), values in 0…1
  ImageMetadata metadata;
  ColourProfile profile;  // the file's
};

enum class ImageFormat { kPng, kJpeg, kWebp, kTiff, kExr };
// "PNG", "JPEG", …
std::string_view name_of(ImageFormat format);

// Larger images are refused before anything is allocated for them.
inline constexpr std::int64_t kMaxImageSide = 16384;
// kUnsupported if a side is longer, kCorrupt if one is 0.
Status check_image_size(std::uint64_t width, std::uint64_t height);

// kUnsupported if the images of one file have more pixels in all than the largest one may have.
Status check_image_total(std::uint64_t pixels);

// By content, whatever the file is called.
std::optional<ImageFormat> recognise_image(std::span<const std::byte> bytes);

// A file of `bytes` bytes that claims more pixels than any such file of the formats that compress
// without bound holds is refused before they are allocated: kCorrupt.
Status check_image_fill(std::uint64_t width, std::uint64_t height, std::uint64_t bytes);

// Decodes an image of any of these formats: gray becomes RGB, 8-bit samples v/255, 16-bit samples
// v/65535, an image that EXIF says to turn is turned, and one with a colour profile is converted
// to sRGB. `name` is what messages call the image. kUnsupported for another format or for too
// large an image; kCorrupt for a damaged one. The functions for single formats do the same but for
// the profile, which they only read (that of CMYK they apply: there is no other time).
Result<Image> decode_image(std::span<const std::byte> bytes, const std::string& name);
Result<Image> read_image(const std::filesystem::path& path);

// All images of a file, each as decode_image() gives one: the frames of an animated WebP, the
// pages of a TIFF, which may differ in size; of other files the only one. An animated PNG is
// kUnsupported: libpng sees its first frame alone. Other errors as decode_image().
Result<std::vector<Image>> decode_frames(std::span<const std::byte> bytes, const std::string& name);

// The texts alone, without decoding a pixel. PNG: tEXt, zTXt and iTXt. JPEG: comments and EXIF.
// WebP: EXIF. TIFF: the description. EXR: string attributes.
Result<ImageMetadata> decode_metadata(std::span<const std::byte> bytes, const std::string& name);
Result<ImageMetadata> read_metadata(const std::filesystem::path& path);

}  // namespace obscura::io
