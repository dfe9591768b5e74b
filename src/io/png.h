// PNG images, by libpng.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/image.h"
#include "tensor/tensor.h"

namespace obscura::io {

// Any depth, colour type and interlacing. Errors as decode_image().
Result<Image> decode_png(std::span<const std::byte> bytes, const std::string& name);
Result<ImageMetadata> decode_png_metadata(std::span<const std::byte> bytes,
                                          const std::string& name);

// kUnsupported for an animation.
Status check_png_is_still(std::span<const std::byte> bytes, const std::string& name);

struct PngOptions {
  int bits = 8;                             // a sample: 8 or 16
  int compression = 4;                      // zlib's 0…9; 4 is ComfyUI's
  std::span<const std::byte> profile = {};  // ICC's, in which `pixels` are; empty: none is written
};

// `pixels` is (H, W, 3) or (H, W, 4); values are clipped to 0…1 and rounded to the nearest sample
// (ComfyUI truncates). A text goes into a tEXt chunk if Latin-1 can hold it, else into iTXt, never
// compressed, so that every other program finds it. The same input gives the same bytes under the
// same libpng and zlib. kInvalidInput for a key that PNG does not allow (1 to 79 Latin-1
// characters), a text that is not UTF-8 or holds a zero, or a side longer than kMaxImageSide.
// REQUIRES: the shape and options named above.
Result<std::vector<std::byte>> encode_png(const Tensor& pixels, const ImageMetadata& metadata,
                                          const PngOptions& options = {});

// Written whole or not at all; replaces what was there.
Status write_png(const std::filesystem::path& path, const Tensor& pixels,
                 const ImageMetadata& metadata, const PngOptions& options = {});

}  // namespace obscura::io
