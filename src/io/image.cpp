#include "io/image.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"
#include "io/exr.h"
#include "io/jpeg.h"
#include "io/png.h"
#include "io/tiff.h"
#include "io/webp.h"

namespace obscura::io {
namespace {

bool has_at(std::span<const std::byte> bytes, std::size_t offset, std::string_view wanted) {
  if (bytes.size() < offset + wanted.size()) return false;
  return std::equal(wanted.begin(), wanted.end(),
                    bytes.begin() + static_cast<std::ptrdiff_t>(offset),
                    [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

Error unknown_format(std::span<const std::byte> bytes, const std::string& name) {
  return Error(ErrorKind::kUnsupported,
               fmt::format("{}: wants a PNG, JPEG, WebP, TIFF or EXR image, found {}", name,
                           has_at(bytes, 0, "GIF8") ? "a GIF" : "something else"));
}

Result<Image> decode_as_stored(std::span<const std::byte> bytes, const std::string& name) {
  auto format = recognise_image(bytes);
  if (!format) return unknown_format(bytes, name);
  switch (*format) {
    case ImageFormat::kPng:
      return decode_png(bytes, name);
    case ImageFormat::kJpeg:
      return decode_jpeg(bytes, name);
    case ImageFormat::kWebp:
      return decode_webp(bytes, name);
    case ImageFormat::kTiff:
      return decode_tiff(bytes, name);
    case ImageFormat::kExr:
      return decode_exr(bytes, name);
  }
  return unknown_format(bytes, name);
}

Result<std::vector<Image>> decode_frames_as_stored(std::span<const std::byte> bytes,
                                                   const std::string& name) {
  const auto format = recognise_image(bytes);
  if (format == ImageFormat::kWebp) return decode_webp_frames(bytes, name);
  if (format == ImageFormat::kTiff) return decode_tiff_pages(bytes, name);
  if (format == ImageFormat::kPng) OBSCURA_TRY(check_png_is_still(bytes, name));
  OBSCURA_ASSIGN(Image image, decode_as_stored(bytes, name));
  return std::vector<Image>{std::move(image)};
}

}  // namespace

const std::string* find_text(const ImageMetadata& metadata, std::string_view key) {
  for (const TextEntry& entry : metadata) {
    if (entry.key == key) return &entry.text;
  }
  return nullptr;
}

Status check_image_size(std::uint64_t width, std::uint64_t height) {
  constexpr auto kLargest = static_cast<std::uint64_t>(kMaxImageSide);
  if (width == 0 || height == 0) return Error(ErrorKind::kCorrupt, "the image has no pixels");
  if (width <= kLargest && height <= kLargest) return {};
  return Error(ErrorKind::kUnsupported,
               fmt::format("the image is {}x{} pixels, at most {}x{} are supported", width, height,
                           kLargest, kLargest));
}

Status check_image_total(std::uint64_t pixels) {
  constexpr auto kMost = static_cast<std::uint64_t>(kMaxImageSide * kMaxImageSide);
  if (pixels <= kMost) return {};
  return Error(
      ErrorKind::kUnsupported,
      fmt::format("its images have {} pixels in all, at most {} are supported", pixels, kMost));
}

// A page of one colour packs best: 16 thousand pixels of one bit each into a few bytes a row.
Status check_image_fill(std::uint64_t width, std::uint64_t height, std::uint64_t bytes) {
  constexpr std::uint64_t kPixelsPerByte = 4096;
  if (width * height / kPixelsPerByte <= bytes) return {};
  return Error(ErrorKind::kCorrupt,
               fmt::format("{}x{} pixels cannot come from {} bytes", width, height, bytes));
}

std::string_view name_of(ImageFormat format) {
  switch (format) {
    case ImageFormat::kPng:
      return "PNG";
    case ImageFormat::kJpeg:
      return "JPEG";
    case ImageFormat::kWebp:
      return "WebP";
    case ImageFormat::kTiff:
      return "TIFF";
    case ImageFormat::kExr:
      return "OpenEXR";
  }
  return "";
}

std::optional<ImageFormat> recognise_image(std::span<const std::byte> bytes) {
  if (has_at(bytes, 0, "\x89PNG\r\n\x1a\n")) return ImageFormat::kPng;
  if (has_at(bytes, 0, "\xff\xd8\xff")) return ImageFormat::kJpeg;
  if (has_at(bytes, 0, "RIFF") && has_at(bytes, 8, "WEBP")) return ImageFormat::kWebp;
  if (is_tiff(bytes)) return ImageFormat::kTiff;
  if (is_exr(bytes)) return ImageFormat::kExr;
  return std::nullopt;
}

Result<Image> decode_image(std::span<const std::byte> bytes, const std::string& name) {
  OBSCURA_ASSIGN(Image image, decode_as_stored(bytes, name));
  convert_to_srgb(image.pixels, image.profile);
  return image;
}

Result<std::vector<Image>> decode_frames(std::span<const std::byte> bytes,
                                         const std::string& name) {
  OBSCURA_ASSIGN(std::vector<Image> frames, decode_frames_as_stored(bytes, name));
  for (Image& frame : frames) convert_to_srgb(frame.pixels, frame.profile);
  return frames;
}

Result<Image> read_image(const std::filesystem::path& path) {
  OBSCURA_ASSIGN(const std::string bytes, read_file(path, kMostImageBytes));
  return decode_image(std::as_bytes(std::span(bytes)), path.string());
}

Result<ImageMetadata> decode_metadata(std::span<const std::byte> bytes, const std::string& name) {
  auto format = recognise_image(bytes);
  if (!format) return unknown_format(bytes, name);
  switch (*format) {
    case ImageFormat::kPng:
      return decode_png_metadata(bytes, name);
    case ImageFormat::kJpeg:
      return decode_jpeg_metadata(bytes, name);
    case ImageFormat::kWebp:
      return decode_webp_metadata(bytes, name);
    case ImageFormat::kTiff:
      return decode_tiff_metadata(bytes, name);
    case ImageFormat::kExr:
      return decode_exr_metadata(bytes, name);
  }
  return unknown_format(bytes, name);
}

Result<ImageMetadata> read_metadata(const std::filesystem::path& path) {
  OBSCURA_ASSIGN(const std::string bytes, read_file(path, kMostImageBytes));
  return decode_metadata(std::as_bytes(std::span(bytes)), path.string());
}

}  // namespace obscura::io
