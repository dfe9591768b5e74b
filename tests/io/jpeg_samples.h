// JPEG files for tests, made with libjpeg.
#pragma once

// libjpeg's header wants these first.
#include <cstddef>
#include <cstdio>

#include <jpeglib.h>

#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

namespace obscura::io {

struct JpegSample {
  unsigned width = 0;
  unsigned height = 0;
  J_COLOR_SPACE colours = JCS_RGB;
  std::vector<std::uint8_t> samples = {};
  std::string_view exif = {};               // the body of an APP1 marker
  std::string_view comment = {};            // the body of a COM marker
  std::span<const std::byte> profile = {};  // ICC's
  bool progressive = false;
};

inline std::vector<std::byte> make_jpeg(const JpegSample& sample) {
  jpeg_compress_struct encoder{};
  jpeg_error_mgr errors{};
  encoder.err = ::jpeg_std_error(&errors);
  ::jpeg_create_compress(&encoder);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  ::jpeg_mem_dest(&encoder, &buffer, &size);
  encoder.image_width = sample.width;
  encoder.image_height = sample.height;
  encoder.in_color_space = sample.colours;
  encoder.input_components = sample.colours == JCS_GRAYSCALE ? 1
                             : sample.colours == JCS_CMYK    ? 4
                                                             : 3;
  ::jpeg_set_defaults(&encoder);
  ::jpeg_set_quality(&encoder, 95, TRUE);
  if (sample.progressive) ::jpeg_simple_progression(&encoder);
  ::jpeg_start_compress(&encoder, TRUE);
  auto write_marker = [&](int marker, std::string_view body) {
    if (body.empty()) return;
    ::jpeg_write_marker(&encoder, marker, reinterpret_cast<const JOCTET*>(body.data()),
                        static_cast<unsigned>(body.size()));
  };
  write_marker(JPEG_APP0 + 1, sample.exif);
  write_marker(JPEG_COM, sample.comment);
  if (!sample.profile.empty())
    ::jpeg_write_icc_profile(&encoder, reinterpret_cast<const JOCTET*>(sample.profile.data()),
                             static_cast<unsigned>(sample.profile.size()));
  const std::size_t stride = sample.width * static_cast<std::size_t>(encoder.input_components);
  while (encoder.next_scanline < encoder.image_height) {
    auto row = const_cast<JSAMPROW>(sample.samples.data() + encoder.next_scanline * stride);
    ::jpeg_write_scanlines(&encoder, &row, 1);
  }
  ::jpeg_finish_compress(&encoder);
  ::jpeg_destroy_compress(&encoder);
  auto begin = reinterpret_cast<const std::byte*>(buffer);
  std::vector<std::byte> bytes(begin, begin + size);
  std::free(buffer);
  return bytes;
}

}  // namespace obscura::io
