// WebP images, by libwebp.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/image.h"

namespace obscura::io {

// Lossy or lossless, with or without alpha; of an animation its first frame. Errors as
// decode_image().
Result<Image> decode_webp(std::span<const std::byte> bytes, const std::string& name);
// All frames of an animation, as they are shown. Errors as decode_frames().
Result<std::vector<Image>> decode_webp_frames(std::span<const std::byte> bytes,
                                              const std::string& name);
// The texts of EXIF.
Result<ImageMetadata> decode_webp_metadata(std::span<const std::byte> bytes,
                                           const std::string& name);

struct WebpOptions {
  int quality = 90;                         // 0 to 100
  bool lossless = false;                    // then `quality` is how long to look for a small file
  std::span<const std::byte> profile = {};  // ICC's, in which `pixels` are; empty: none is written
};

// With alpha where `pixels` (H, W, 3 or 4) has it. The texts go into EXIF as write_exif() puts
// them. kInvalidInput for a side that the format cannot hold (16383).
Result<std::vector<std::byte>> encode_webp(const Tensor& pixels, const ImageMetadata& metadata,
                                           const WebpOptions& options = {});

}  // namespace obscura::io
