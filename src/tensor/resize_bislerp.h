// Bilinear resizing with spherical in place of linear interpolation: keeps the length of a latent's
// channel vectors.
#pragma once

#include "tensor/tensor.h"

namespace obscura {

// (B, C, H, W) to (B, C, height, width); first along the width, then along the height. The rule is
// ComfyUI's.
Tensor resize_bislerp(const Tensor& planes, std::int64_t width, std::int64_t height);

}  // namespace obscura
