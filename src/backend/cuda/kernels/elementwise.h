// Kernels of elementwise ops. Pointers are device memory; every function only puts work on the
// stream, and returns the error of doing so.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "backend/cuda/element.h"

namespace obscura::ir {
enum class Activation;  // ir/activation.h
}

namespace obscura::backend::cuda {

// y = activation(x) + residual (null: none). y may be x.
[[nodiscard]] cudaError_t activate_into(Element element, ir::Activation activation, const void* x,
                                        const void* residual, void* y, std::int64_t count,
                                        cudaStream_t stream);

// x (rows, 2 * width) -> y (rows, width): the first half times gelu of the second.
[[nodiscard]] cudaError_t geglu(Element element, const void* x, void* y, std::int64_t rows,
                                std::int64_t width, cudaStream_t stream);

// y[n, r, c] = a[n, r, c] + b[n, c], or + b[c] if not `per_sample`. y may be a.
[[nodiscard]] cudaError_t add(Element element, const void* a, const void* b, void* y,
                              std::int64_t samples, std::int64_t rows, std::int64_t columns,
                              bool per_sample, cudaStream_t stream);

// y = x * factor[0], the factor in device memory as float32. y may be x.
[[nodiscard]] cudaError_t scale(Element element, const void* x, const float* factor, void* y,
                                std::int64_t count, cudaStream_t stream);

// t (samples) -> y (samples, size), both float32: ir::SinusoidOp.
[[nodiscard]] cudaError_t sinusoid(const float* t, float* y, std::int64_t samples, int size,
                                   cudaStream_t stream);

}  // namespace obscura::backend::cuda
