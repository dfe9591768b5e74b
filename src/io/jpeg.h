// JPEG images, by libjpeg-turbo.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/image.h"

namespace obscura::io {

// Baseline or progressive; gray, YCbCr, RGB, CMYK and YCCK, always as RGB. Errors as
// decode_image().
Result<Image> decode_jpeg(std::span<const std::byte> bytes, const std::string& name);
// Comments (key "Comment") and the texts of EXIF.
Result<ImageMetadata> decode_jpeg_metadata(std::span<const std::byte> bytes,
                                           const std::string& name);

struct JpegOptions {
  int quality = 95;                         // 1 to 100
  std::span<const std::byte> profile = {};  // ICC's, in which `pixels` are; empty: none is written
};

struct JpegFile {
  std::vector<std::byte> bytes;
  std::vector<std::string> left_out;  // keys of the texts that found no place
};

// Baseline. `pixels` is (H, W, 3 or 4); alpha is left out. The texts go into EXIF, which JPEG
// limits to 64 KiB; write_exif() says in which order.
JpegFile encode_jpeg(const Tensor& pixels, const ImageMetadata& metadata,
                     const JpegOptions& options = {});

}  // namespace obscura::io
