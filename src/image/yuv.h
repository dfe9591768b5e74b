// Images (B, H, W, C) as brightness and two differences of colour around 0.5: ITU-R BT.601 with the
// rounded factors of JPEG's predecessors that ComfyUI's library uses.
#pragma once

#include <array>

#include "tensor/tensor.h"

namespace obscura::image {

// Y, U and V, each as a gray image of three channels.
std::array<Tensor, 3> to_yuv(const Tensor& images);
// Back; of each the mean of its channels counts. REQUIRES: one size.
Tensor from_yuv(const Tensor& y, const Tensor& u, const Tensor& v);

}  // namespace obscura::image
