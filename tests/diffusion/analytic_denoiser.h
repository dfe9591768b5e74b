// The denoiser of tests/golden/samplers.json: a formula in place of a network.
#pragma once

#include <cmath>

#include "diffusion/sampler.h"

namespace obscura::diffusion {

inline Tensor analytic_x0(const Tensor& x, float sigma) {
  Tensor x0(x.shape());
  for (std::int64_t i = 0; i < x.elements(); ++i) {
    float value = x.data()[i];
    x0.data()[i] =
        value / (1 + sigma * sigma) + 0.3f * std::tanh(value * 0.5f) * sigma / (1 + sigma);
  }
  return x0;
}

inline Result<Denoised> analytic_denoiser(const Tensor& x, float sigma) {
  Tensor x0 = analytic_x0(x, sigma);
  Tensor uncond = x0.clone();
  for (float& value : uncond.values()) value *= 0.9f;
  return Denoised{x0, uncond};
}

}  // namespace obscura::diffusion
