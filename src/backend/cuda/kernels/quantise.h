// Rounding to e4m3 with a scale for each row, for products in fp8. Pointers are device memory; it
// only puts work on the stream, and returns the error of doing so.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "backend/cuda/element.h"

namespace obscura::backend::cuda {

// x (rows, width) = q * scales[row], as near as e4m3 comes: scales[row] brings the row's largest
// magnitude to e4m3's largest, 448. A row of zeros has scale 1; NaN stays NaN.
[[nodiscard]] cudaError_t quantise_rows(Element element, const void* x, void* q, float* scales,
                                        std::int64_t rows, std::int64_t width, cudaStream_t stream);

}  // namespace obscura::backend::cuda
