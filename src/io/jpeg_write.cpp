// libjpeg's header wants these two first.
#include <cstddef>
#include <cstdio>

#include <jpeglib.h>

#include <cstdint>
#include <cstdlib>

#include "io/exif.h"
#include "io/jpeg.h"
#include "io/samples.h"

namespace obscura::io {
namespace {

// Of a marker's body: its length is stored in two bytes that count themselves.
constexpr std::size_t kLargestMarker = 65533;

void write_exif_marker(jpeg_compress_struct& encoder, const std::vector<std::byte>& exif) {
  if (exif.empty()) return;
  std::vector<JOCTET> body = {'E', 'x', 'i', 'f', 0, 0};
  for (std::byte byte : exif) body.push_back(std::to_integer<JOCTET>(byte));
  ::jpeg_write_marker(&encoder, JPEG_APP0 + 1, body.data(), static_cast<unsigned>(body.size()));
}

}  // namespace

JpegFile encode_jpeg(const Tensor& pixels, const ImageMetadata& metadata,
                     const JpegOptions& options) {
  const std::int64_t height = pixels.shape()[0], width = pixels.shape()[1],
                     channels = pixels.shape()[2];
  OBSCURA_CHECK(channels == 3 || channels == 4, "an image has three or four channels");
  OBSCURA_CHECK(height <= kMaxImageSide && width <= kMaxImageSide, "the image is too large");
  jpeg_compress_struct encoder{};
  jpeg_error_mgr errors{};
  // Into memory, with sound arguments, nothing can fail but the memory itself; then libjpeg's own
  // handler ends the program, as operator new's failure would.
  encoder.err = ::jpeg_std_error(&errors);
  ::jpeg_create_compress(&encoder);
  unsigned char* memory = nullptr;
  unsigned long size = 0;  // NOLINT(google-runtime-int): libjpeg's type
  ::jpeg_mem_dest(&encoder, &memory, &size);
  encoder.image_width = static_cast<JDIMENSION>(width);
  encoder.image_height = static_cast<JDIMENSION>(height);
  encoder.input_components = 3;
  encoder.in_color_space = JCS_RGB;
  ::jpeg_set_defaults(&encoder);
  ::jpeg_set_quality(&encoder, options.quality, TRUE);
  ::jpeg_start_compress(&encoder, TRUE);
  const ExifBlock exif = write_exif(metadata, kLargestMarker - 6);
  write_exif_marker(encoder, exif.bytes);
  if (!options.profile.empty()) {
    ::jpeg_write_icc_profile(&encoder, reinterpret_cast<const JOCTET*>(options.profile.data()),
                             static_cast<unsigned>(options.profile.size()));
  }
  std::vector<JSAMPLE> row(static_cast<std::size_t>(width) * 3);
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      const float* pixel = pixels.data() + (y * width + x) * channels;
      for (std::int64_t c = 0; c < 3; ++c)
        row[static_cast<std::size_t>(x * 3 + c)] = static_cast<JSAMPLE>(quantised(pixel[c], 255));
    }
    JSAMPROW line = row.data();
    ::jpeg_write_scanlines(&encoder, &line, 1);
  }
  ::jpeg_finish_compress(&encoder);
  ::jpeg_destroy_compress(&encoder);
  const auto* first = reinterpret_cast<const std::byte*>(memory);
  JpegFile file{{first, first + size}, exif.left_out};
  std::free(memory);  // NOLINT(cppcoreguidelines-no-malloc): libjpeg's malloc
  return file;
}

}  // namespace obscura::io
