// Convolutions over images (N, H, W, C), with `weight` (out, in, kh, kw) and, where the file has
// one, `bias` (out).
#pragma once

#include "ir/conv2d.h"
#include "nn/scope.h"

namespace obscura::nn {

// Stride 1, output of the input's size. A 1x1 convolution becomes a linear over the channels.
ir::ValueId conv2d(const Scope& at, ir::ValueId x);
ir::ValueId conv2d(const Scope& at, ir::ValueId x, int stride, ir::Padding padding);

// Nearest-neighbour interpolation of x to `height` x `width`, as PyTorch's. Where these are twice
// x's or one less, x is doubled and cropped: the index floor(i * in / out) is i / 2 for out = 2 in
// - 1 too. Halving an odd size rounds up, so this brings an image back to the size of its skip.
ir::ValueId upsample(const Scope& at, ir::ValueId x, std::int64_t height, std::int64_t width);

}  // namespace obscura::nn
