// Resizing by spherical interpolation of the channels, as tensor/resize_bislerp.cpp has it,
// channels last. Pointers are device memory; the function only puts work on the stream, and returns
// the error of doing so.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "backend/cuda/element.h"

namespace obscura::backend::cuda {

// x (samples, height, width, channels) -> y (samples, new_height, new_width, channels), through
// `wide`, which holds float32 (samples, height, new_width, channels).
[[nodiscard]] cudaError_t resize_bislerp(Element element, const void* x, float* wide, void* y,
                                         std::int64_t samples, std::int64_t height,
                                         std::int64_t width, std::int64_t new_height,
                                         std::int64_t new_width, std::int64_t channels,
                                         cudaStream_t stream);

}  // namespace obscura::backend::cuda
