// Non-linearities in float32. Where results are rounded to 16 bits, the hardware's approximate
// exponential and quotient are exact enough (a few 1e-7); results in float32 get the exact ones.
#pragma once

#include <type_traits>

#include "backend/cuda/kernels/launch.cuh"

namespace obscura::backend::cuda {

// x / (1 + e^(-slope x))
template <class T>
__device__ inline float scaled_silu(float x, float slope) {
  if constexpr (std::is_same_v<T, float>) {
    return x / (1.0f + expf(-slope * x));
  } else {
    return __fdividef(x, 1.0f + __expf(-slope * x));
  }
}

template <class T>
__device__ inline float silu(float x) {
  return scaled_silu<T>(x, 1.0f);
}

template <class T>
__device__ inline float gelu(float x) {
  if constexpr (std::is_same_v<T, float>) {
    return 0.5f * x * erfcf(x * -0.707106781f);  // 1 + erf would lose the digits of small results
  } else {
    // erf within 1.5e-7 (Abramowitz and Stegun 7.1.26): erff itself would make GEGLU bound by
    // arithmetic.
    float a = fabsf(x) * 0.707106781f;
    float t = __fdividef(1.0f, fmaf(0.3275911f, a, 1.0f));
    float p = fmaf(1.061405429f, t, -1.453152027f);
    p = fmaf(p, t, 1.421413741f);
    p = fmaf(p, t, -0.284496736f);
    p = fmaf(p, t, 0.254829592f);
    float tail = p * t * __expf(-a * a);  // 1 - erf(a)
    return 0.5f * x * (x < 0 ? tail : 2.0f - tail);
  }
}

}  // namespace obscura::backend::cuda
