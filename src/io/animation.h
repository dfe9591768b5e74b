// Moving images: WebP by libwebp, and animated PNG (https://www.w3.org/TR/png-3/, 11.3.6).
#pragma once

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "io/image.h"
#include "tensor/tensor.h"

namespace obscura::io {

// How hard libwebp looks for a small file.
enum class WebpEffort { kFastest = 0, kDefault = 4, kSlowest = 6 };

struct AnimatedWebpOptions {
  int milliseconds = 100;  // each frame is shown
  bool lossless = true;
  int quality = 80;  // 0 to 100
  WebpEffort effort = WebpEffort::kDefault;
};

// `frames` is (B, H, W, 3 or 4); they are shown over and over. The texts go into EXIF as
// write_exif() puts them. kInvalidInput for a side that the format cannot hold (16383).
// REQUIRES: that shape, with a frame at least.
Result<std::vector<std::byte>> encode_animated_webp(const Tensor& frames,
                                                    const ImageMetadata& metadata,
                                                    const AnimatedWebpOptions& options = {});

// 8 bits, as encode_png(); programs that know no animation show the first frame. The texts as
// there. REQUIRES: 1 <= milliseconds <= 65535, 0 <= compression <= 9.
Result<std::vector<std::byte>> encode_animated_png(const Tensor& frames,
                                                   const ImageMetadata& metadata, int milliseconds,
                                                   int compression = 4);

}  // namespace obscura::io
