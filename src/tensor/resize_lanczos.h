// Pillow's Lanczos resampling of 8-bit images, bit for bit: https://pillow.readthedocs.io,
// "Filters".
#pragma once

#include "tensor/tensor.h"

namespace obscura {

// (B, C, H, W) in 0…1 to (B, C, height, width) in multiples of 1/255, each channel on its own.
// Values are clipped and truncated to bytes first, as ComfyUI does; a NaN counts as 0.
Tensor resize_lanczos(const Tensor& planes, std::int64_t width, std::int64_t height);

}  // namespace obscura
