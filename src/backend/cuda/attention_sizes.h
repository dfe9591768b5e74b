// What the kernels of attention are made for.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include "tensor/dtype.h"

namespace obscura::backend::cuda {

struct AttentionSizes {
  DType dtype = DType::kF16;
  std::int64_t samples = 0, heads = 0, head_size = 0;
  std::int64_t queries = 0, keys = 0;
  std::int64_t q_row = 0, k_row = 0, v_row = 0;  // elements from a token to the next
  std::int64_t q_offset = 0, k_offset = 0, v_offset = 0;
  bool causal = false;

  std::int64_t width() const { return heads * head_size; }
  // Of the first element of any head of any token, in bytes.
  std::int64_t alignment() const {
    std::int64_t elements = head_size;
    for (std::int64_t step : {q_row, k_row, v_row, q_offset, k_offset, v_offset})
      elements = std::gcd(elements, step);
    return std::gcd(elements * static_cast<std::int64_t>(size_of(dtype)), std::int64_t{256});
  }
  float scale() const { return 1.0f / std::sqrt(static_cast<float>(head_size)); }
};

inline const void* shifted(const void* base, std::int64_t elements, DType dtype) {
  return static_cast<const std::byte*>(base) + static_cast<std::size_t>(elements) * size_of(dtype);
}

// A mask (samples, heads, queries, keys) as it lies in memory: strides in elements, 0 along an axis
// of 1.
struct AttentionMask {
  std::int64_t sample_stride = 0, head_stride = 0, query_stride = 0;
  DType dtype = DType::kI32;
};

}  // namespace obscura::backend::cuda
