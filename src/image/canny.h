// Canny's edge detector with the numbers of Kornia's, which ComfyUI calls: blur, Sobel, thinning
// along the gradient, and weak edges kept where they touch strong ones.
#pragma once

#include "base/cancel.h"
#include "base/result.h"
#include "tensor/tensor.h"

namespace obscura::image {

// A mask (B, H, W) of the edges of images (B, H, W, C), C = 3 or 4: 1 where the gradient is steeper
// than `high`, or than `low` beside such a place. kCancelled.
Result<Tensor> canny(const Tensor& images, double low, double high, const CancelToken& cancel);

}  // namespace obscura::image
