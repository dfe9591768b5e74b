// What nodes that put pictures (B, H, W, C) together need: equal channels, a place to put them.
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

}  // namespace obscura::image
