// The kernel of layer normalisation. Pointers are device memory; it only puts work on the stream,
// and returns the error of doing so.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "backend/cuda/element.h"

namespace obscura::backend::cuda {

// y = (x - mean) / sqrt(variance + eps) * gamma + beta over each of `rows` rows. y may be x.
[[nodiscard]] cudaError_t layer_norm(Element element, const void* x, const void* gamma,
                                     const void* beta, float eps, void* y, std::int64_t rows,
                                     std::int64_t width, cudaStream_t stream);

}  // namespace obscura::backend::cuda
