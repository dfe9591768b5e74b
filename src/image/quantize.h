// Images of few colours.
#pragma once

#include <cstddef>

#include "base/cancel.h"
#include "base/result.h"
#include "tensor/tensor.h"

namespace obscura::image {

// How colours that are left out are mixed of dots: by the error that each pixel leaves to its
// neighbours (Floyd and Steinberg), or by a pattern of order 2, 4, 8 or 16; order 1 mixes none.
struct Dither {
  bool by_error = false;
  int order = 1;
};

// Images (B, H, W, C) with as many colours each, those that fit best: (B, H, W, 3). kCancelled.
Result<Tensor> quantized(const Tensor& images, std::size_t colours, const Dither& dither,
                         const CancelToken& cancel);

}  // namespace obscura::image
