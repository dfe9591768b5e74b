// Kernels of ops that move elements without looking at them: sizes are bytes, whatever the type.
// Pointers are device memory; every function only puts work on the stream, and returns
// the error of doing so.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace obscura::backend::cuda {

// y[r] = a[r] followed by b[r].
[[nodiscard]] cudaError_t concat_rows(const void* a, std::int64_t a_bytes, const void* b,
                                      std::int64_t b_bytes, void* y, std::int64_t rows,
                                      cudaStream_t stream);

// y[i] = row `ids[i]`, or the nearest there is, of `rows` rows at source + i * source_stride bytes.
[[nodiscard]] cudaError_t gather_rows(const void* source, std::int64_t source_stride,
                                      std::int64_t rows, const std::int32_t* ids,
                                      std::int64_t count, std::int64_t row_bytes, void* y,
                                      cudaStream_t stream);

// Each pixel doubled in both directions.
[[nodiscard]] cudaError_t double_pixels(const void* x, void* y, std::int64_t samples,
                                        std::int64_t height, std::int64_t width,
                                        std::int64_t pixel_bytes, cudaStream_t stream);

}  // namespace obscura::backend::cuda
