// Arithmetic on masks (B, H, W) that several nodes need.
#pragma once

#include <cstdint>

#include "base/cancel.h"
#include "base/result.h"
#include "tensor/tensor.h"

namespace obscura::image {

// Bilinearly to another size.
Tensor resize_mask(const Tensor& mask, std::int64_t height, std::int64_t width);

// Each value becomes the largest within the window [-before, +after] of rows and columns around it.
Tensor dilate(const Tensor& mask, std::int64_t before, std::int64_t after);

// Grows (radius > 0) or shrinks (radius < 0) a mask pixel by pixel; `tapered` leaves diagonal
// neighbours out of each step, so that corners become slanted. kCancelled.
Result<Tensor> grow(const Tensor& mask, std::int64_t radius, bool tapered,
                    const CancelToken& cancel);

}  // namespace obscura::image
