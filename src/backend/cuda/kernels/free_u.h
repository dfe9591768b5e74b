// Kernels of FreeU's two operations (ir/free_u.h), channels last. Pointers are device memory; every
// function only puts work on the stream, and returns the error of doing so.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "backend/cuda/element.h"

namespace obscura::backend::cuda {

struct FeatureMap {
  Element element = Element::kF32;
  std::int64_t samples = 0, height = 0, width = 0, channels = 0;
};

// Of scale_low_frequencies: the sums of each channel, and of strengthen with `by_mean`: the mean of
// each pixel.
std::size_t low_frequency_bytes(const FeatureMap& image);
std::size_t strengthen_bytes(const FeatureMap& image);

// y may be x in both.
[[nodiscard]] cudaError_t scale_low_frequencies(const FeatureMap& image, const void* x, float scale,
                                                void* y, void* workspace, cudaStream_t stream);
[[nodiscard]] cudaError_t strengthen(const FeatureMap& image, const void* x, float scale,
                                     bool by_mean, void* y, void* workspace, cudaStream_t stream);

}  // namespace obscura::backend::cuda
