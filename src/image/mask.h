// Arithmetic on masks (B, H, W), 1 where something is to happen.
#pragma once

#include <cstdint>

#include "base/cancel.h"
#include "base/result.h"
#include "tensor/resize.h"
#include "tensor/tensor.h"

namespace obscura::image {

// To another size.
Tensor resize_mask(const Tensor& mask, std::int64_t height, std::int64_t width,
                   ResizeMethod method = ResizeMethod::kBilinear,
                   ResizeCrop crop = ResizeCrop::kDisabled);

// What is left of a value `place` pixels from an edge that fades over `width` pixels.
float faded(std::int64_t place, std::int64_t width);

// Makes what the mask covers grey in images (B, H, W, C): a mask for all of them, or one for each,
// rounded to 0 and 1, half to even. REQUIRES: equal heights and widths.
void cover(Tensor& images, const Tensor& mask);

// Each value becomes the largest within the window [-before, +after] of rows and columns around it.
Tensor dilate(const Tensor& mask, std::int64_t before, std::int64_t after);

// Grows (radius > 0) or shrinks (radius < 0) a mask pixel by pixel; `tapered` leaves diagonal
// neighbours out of each step, so that corners become slanted. kCancelled.
Result<Tensor> grow(const Tensor& mask, std::int64_t radius, bool tapered,
                    const CancelToken& cancel);

}  // namespace obscura::image
