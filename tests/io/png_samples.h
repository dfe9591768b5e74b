// PNG files of kinds that our writer does not make, for tests, made chunk by chunk.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace obscura::io {

inline std::string big_endian_bytes(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

inline std::string png_chunk(const std::string& type, std::string_view body) {
  std::string summed = type + std::string(body);
  auto sum = ::crc32_z(0, reinterpret_cast<const Bytef*>(summed.data()), summed.size());
  return big_endian_bytes(static_cast<std::uint32_t>(body.size())) + summed +
         big_endian_bytes(static_cast<std::uint32_t>(sum));
}

inline std::string zlib_packed(std::string_view text) {
  uLongf size = ::compressBound(text.size());
  std::string packed(size, '\0');
  ::compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
              reinterpret_cast<const Bytef*>(text.data()), text.size(), 9);
  packed.resize(size);
  return packed;
}

inline constexpr std::string_view kPngSignature("\x89PNG\r\n\x1a\n", 8);

inline std::string png_header(std::uint32_t width, std::uint32_t height, int depth, int colour,
                              int interlace = 0) {
  std::string body = big_endian_bytes(width) + big_endian_bytes(height);
  for (int value : {depth, colour, 0, 0, interlace}) body += static_cast<char>(value);
  return std::string(kPngSignature) + png_chunk("IHDR", body);
}

// A whole file: `rows` holds each row's filter byte and samples, `before` further chunks to stand
// before the pixels.
inline std::string make_png(const std::string& header, std::string_view rows,
                            const std::string& before = "", const std::string& after = "") {
  return header + before + png_chunk("IDAT", zlib_packed(rows)) + after + png_chunk("IEND", "");
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

}  // namespace obscura::io
