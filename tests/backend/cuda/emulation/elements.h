// Elements of the libraries' matrices and tensors, to and from float32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "tensor/dtype.h"

namespace obscura::test::emulation {

// Places of a strided array of any rank, dense in row-major order in what is returned.
template <class Body>
void for_each_place(const std::vector<std::int64_t>& dims, const std::vector<std::int64_t>& strides,
                    const Body& body) {
  std::vector<std::int64_t> index(dims.size(), 0);
  std::int64_t count = 1, at = 0;
  for (std::int64_t size : dims) count *= size;
  for (std::int64_t i = 0; i < count; ++i) {
    body(static_cast<std::size_t>(i), at);
    for (std::size_t axis = dims.size(); axis-- > 0;) {
      at += strides[axis];
      if (++index[axis] < dims[axis]) break;
      at -= strides[axis] * dims[axis];
      index[axis] = 0;
    }
  }
}

inline std::vector<float> load(DType dtype, const void* source,
                               const std::vector<std::int64_t>& dims,
                               const std::vector<std::int64_t>& strides) {
  std::int64_t count = 1;
  for (std::int64_t size : dims) count *= size;
  std::vector<float> values(static_cast<std::size_t>(count));
  const auto* bytes = static_cast<const std::byte*>(source);
  const auto size = static_cast<std::int64_t>(size_of(dtype));
  for_each_place(dims, strides, [&](std::size_t i, std::int64_t at) {
    widen_to_f32(dtype, bytes + at * size, &values[i], 1);
  });
  return values;
}

// To F32, F16 or BF16.
inline void store(DType dtype, const std::vector<float>& values, void* target,
                  const std::vector<std::int64_t>& dims, const std::vector<std::int64_t>& strides) {
  auto* bytes = static_cast<std::byte*>(target);
  const auto size = static_cast<std::int64_t>(size_of(dtype));
  for_each_place(dims, strides, [&](std::size_t i, std::int64_t at) {
    if (dtype == DType::kF32) {
      std::memcpy(bytes + at * size, &values[i], sizeof(float));
    } else {
      std::uint16_t bits = dtype == DType::kF16 ? f32_to_f16(values[i]) : f32_to_bf16(values[i]);
      std::memcpy(bytes + at * size, &bits, sizeof bits);
    }
  });
}

inline float dot(const float* a, const float* b, std::int64_t count) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace obscura::test::emulation
