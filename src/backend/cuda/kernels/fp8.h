// Rows in 8 bits: e4m3 with one float32 scale a row, x = q * scale, as cuBLASLt's products with a
// scale for each row take them. Pointers are device memory; every function only puts work on the
// stream.
//
// REQUIRES: 16-bit elements, a width that is a multiple of 16 and at most kFp8Width, pointers
// aligned to 16 bytes.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "backend/cuda/element.h"

namespace obscura::backend::cuda {

inline constexpr std::int64_t kFp8Width = 10240;

// x (rows, width) -> q of the same shape and scale (rows).
void quantise_rows(Element element, const void* x, std::int64_t rows, std::int64_t width,
                   std::uint8_t* q, float* scale, cudaStream_t stream);

// The same of layer_norm(x) and of geglu(x), which are never written out nor rounded to 16 bits;
// x of geglu is (rows, 2 * width).
void quantise_layer_norm(Element element, const void* x, const void* gamma, const void* beta,
                         float eps, std::int64_t rows, std::int64_t width, std::uint8_t* q,
                         float* scale, cudaStream_t stream);
void quantise_geglu(Element element, const void* x, std::int64_t rows, std::int64_t width,
                    std::uint8_t* q, float* scale, cudaStream_t stream);

}  // namespace obscura::backend::cuda
