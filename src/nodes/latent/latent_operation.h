// The socket LATENT_OPERATION: something to do to a latent (B, C, H, W), once or at each step.
#pragma once

#include <functional>

#include "base/result.h"
#include "tensor/tensor.h"

namespace obscura::nodes {

struct LatentOperation {
  std::function<Result<Tensor>(const Tensor& latent)> apply;
};

// The length of each pixel's vector of channels: (B, C, H, W) to (B, H, W).
Tensor channel_norms(const Tensor& latent);

}  // namespace obscura::nodes
