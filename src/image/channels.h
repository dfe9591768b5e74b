// Images (B, H, W, C) taken apart into channels and put together.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "tensor/tensor.h"

namespace obscura::image {

using Colour = std::array<float, 3>;  // red, green, blue

// Both with an alpha channel if one has it; the other's is opaque.
std::pair<Tensor, Tensor> with_equal_channels(const Tensor& first, const Tensor& second);
// `image` with the channels of `wanted`: cut, or with an opaque alpha.
Tensor with_channels(const Tensor& image, std::int64_t wanted);
// Copies `image` into `canvas` with its corner at (x, y). REQUIRES: it fits; equal batch and
// channels.
void paste(const Tensor& image, Tensor& canvas, std::int64_t x, std::int64_t y);

// One channel as a mask (B, H, W); and a mask as gray images of three channels.
Tensor channel(const Tensor& images, std::int64_t index);
Tensor gray(const Tensor& mask);
// 1 less each value.
Tensor inverted(const Tensor& values);

// Images of one colour; alpha, where `shape` has it, is opaque.
Tensor canvas(const Shape& shape, const Colour& colour);
// `image` in the middle of a larger one, all of whose other values are `level`.
Tensor centred(const Tensor& image, std::int64_t height, std::int64_t width, float level);

}  // namespace obscura::image
