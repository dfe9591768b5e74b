// What a PNG file says about its image, without the image: PNG 1.2, chapter 4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "io/image.h"

namespace obscura::io {

struct PngChunks {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  int bits_per_pixel = 0;
  std::uint64_t pixel_bytes = 0;    // of all IDAT chunks, compressed
  std::uint32_t frames = 1;         // of acTL
  ImageMetadata texts;              // tEXt, zTXt and iTXt, in the order of the file
  std::span<const std::byte> exif;  // of eXIf, inside the given bytes; empty if there is none
  ColourProfile profile;            // of iCCP; empty too if it cannot be unpacked
};

// Texts larger than this in all, unpacked, are refused: a few kilobytes of zTXt can unpack to
// gigabytes.
inline constexpr std::size_t kMaxPngTextBytes = std::size_t{64} << 20;

// Walks the chunks up to IEND; what follows it is nobody's. Checksums are checked for the chunks
// that are used here. kCorrupt for a damaged file or one whose pixels cannot possibly fill its
// size; kUnsupported for too large an image.
Result<PngChunks> read_png_chunks(std::span<const std::byte> bytes);

}  // namespace obscura::io
