// JPEG pictures, by libjpeg-turbo.
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

// Baseline, `quality` from 1 to 100. `pixels` is (H, W, 3 or 4); alpha is left out. No texts.
std::vector<std::byte> encode_jpeg(const Tensor& pixels, int quality);

}  // namespace obscura::io
