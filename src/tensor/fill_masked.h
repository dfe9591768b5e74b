// What an image might show where nothing is known of it: colours from around the hole.
#pragma once

#include "tensor/tensor.h"

namespace obscura {

// `pixels` is (H, W, C), `mask` (H, W), from 0: known, to 1: to be filled; returns (H, W, C). Known
// pixels keep their bits. The coarse to fine pyramid of Gortler et al., "The Lumigraph" (1996),
// section 3.4.3: each level takes from the one below, half its size, as much as it does not know.
// REQUIRES: both of one height and width, at least 1.
Tensor fill_masked(const Tensor& pixels, const Tensor& mask);

}  // namespace obscura
