// Kernels of group normalisation and its statistics, channels last. Pointers are device memory;
// every function only puts work on the stream, and returns the error of doing so.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "backend/cuda/element.h"

namespace obscura::backend::cuda {

// An image (samples, pixels, channels) and the groups that its channels are divided into.
struct Groups {
  Element element = Element::kF32;
  std::int64_t samples = 0, pixels = 0;
  int channels = 0, groups = 1;
};

// Of the functions below: a mean and a variance of each part of each group.
std::size_t moments_bytes(const Groups& image);

// y = (x - mean) / sqrt(variance + eps) * gamma + beta, then SiLU if `silu`. y may be x.
[[nodiscard]] cudaError_t group_norm(const Groups& image, const void* x, const void* gamma,
                                     const void* beta, float eps, bool silu, void* y,
                                     void* workspace, cudaStream_t stream);

// ir::GroupStatsOp: (samples, 2, channels).
[[nodiscard]] cudaError_t group_stats(const Groups& image, const void* x, const void* gamma,
                                      const void* beta, float eps, float* scale_shift,
                                      void* workspace, cudaStream_t stream);

// Mean and variance of each group: (samples, 2, groups).
[[nodiscard]] cudaError_t group_moments(const Groups& image, const void* x, float* moments,
                                        void* workspace, cudaStream_t stream);

}  // namespace obscura::backend::cuda
