// What the stand-ins for NVIDIA's libraries are made of: attributes as they were set, and strided
// arrays in memory, to and from float32. They know none of the libraries' rules: what a call
// computes is its plain definition, whatever the sizes.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "backend/cuda/emulation/memory.h"
#include "backend/cuda/emulation/threads.h"
#include "tensor/dtype.h"

namespace obscura::test::emulation {

// Any descriptor of either library.
class Attributes {
 public:
  void set(int name, const void* values, std::size_t bytes) {
    const auto* begin = static_cast<const std::byte*>(values);
    values_[name].assign(begin, begin + bytes);
  }
  bool has(int name) const { return values_.contains(name); }
  template <class T>
  std::vector<T> all(int name) const {
    auto found = values_.find(name);
    if (found == values_.end()) die(fmt::format("a library wants attribute {}", name));
    // NOLINTNEXTLINE(bugprone-sizeof-expression): the size of a pointer is meant where T is one.
    std::vector<T> values(found->second.size() / sizeof(T));
    std::memcpy(values.data(), found->second.data(), found->second.size());
    return values;
  }
  template <class T>
  T one(int name) const {
    return all<T>(name).at(0);
  }
  template <class T>
  T one_or(int name, T otherwise) const {
    return has(name) ? one<T>(name) : otherwise;
  }

 private:
  std::map<int, std::vector<std::byte>> values_;
};

using Dims = std::vector<std::int64_t>;

inline std::int64_t count_of(const Dims& dims) {
  return std::accumulate(dims.begin(), dims.end(), std::int64_t{1}, std::multiplies<>());
}

inline Dims dense(const Dims& dims) {
  Dims strides(dims.size(), 1);
  for (std::size_t i = dims.size() - 1; i-- > 0;) strides[i] = strides[i + 1] * dims[i + 1];
  return strides;
}

struct Array {
  DType dtype;
  void* data;
  Dims dims, strides;  // in elements

  std::size_t bytes() const {
    std::int64_t last = 0;
    for (std::size_t i = 0; i < dims.size(); ++i) last += (dims[i] - 1) * strides[i];
    return static_cast<std::size_t>(last + 1) * size_of(dtype);
  }
  Array ordered(const std::vector<std::size_t>& axes) const {
    Array result{dtype, data, {}, {}};
    for (std::size_t axis : axes) {
      result.dims.push_back(dims.at(axis));
      result.strides.push_back(strides.at(axis));
    }
    return result;
  }
  Array repeated(const Dims& whole) const {
    Array result{dtype, data, whole, strides};
    for (std::size_t i = 0; i < whole.size(); ++i) {
      if (dims[i] == whole[i]) continue;
      if (dims[i] != 1) die("a library's operands do not fit");
      result.strides[i] = 0;
    }
    return result;
  }
};

// body(i, element) for each place in row-major order.
template <class Body>
void for_each_element(const Array& array, const Body& body) {
  Dims index(array.dims.size(), 0);
  auto* at = static_cast<std::byte*>(array.data);
  const auto size = static_cast<std::int64_t>(size_of(array.dtype));
  const auto count = static_cast<std::size_t>(count_of(array.dims));
  for (std::size_t i = 0; i < count; ++i) {
    body(i, at);
    for (std::size_t axis = index.size(); axis-- > 0;) {
      at += array.strides[axis] * size;
      if (++index[axis] < array.dims[axis]) break;
      at -= array.strides[axis] * array.dims[axis] * size;
      index[axis] = 0;
    }
  }
}

inline std::vector<float> load(const Array& array) {
  std::vector<float> values(static_cast<std::size_t>(count_of(array.dims)));
  for_each_element(array, [&](std::size_t i, const std::byte* at) {
    widen_to_f32(array.dtype, at, &values[i], 1);
  });
  return values;
}

// To F32, F16 or BF16.
inline void store(const std::vector<float>& values, const Array& array) {
  for_each_element(array, [&](std::size_t i, std::byte* at) {
    if (array.dtype == DType::kF32) return void(std::memcpy(at, &values.at(i), sizeof(float)));
    const std::uint16_t bits =
        array.dtype == DType::kF16 ? f32_to_f16(values.at(i)) : f32_to_bf16(values.at(i));
    std::memcpy(at, &bits, sizeof bits);
  });
}

inline float dot(const float* a, const float* b, std::int64_t count) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

// (…, rows, depth) and (…, columns, depth) -> (…, rows, columns), dense.
inline std::vector<float> product(const std::vector<float>& a, const std::vector<float>& b,
                                  std::int64_t rows, std::int64_t columns, std::int64_t depth) {
  const auto batch = static_cast<std::int64_t>(a.size()) / (rows * depth);
  if (static_cast<std::int64_t>(b.size()) != batch * columns * depth)
    die("a product of matrices that do not fit");
  std::vector<float> c;
  for (std::int64_t row = 0; row < batch * rows; ++row)
    for (std::int64_t column = 0; column < columns; ++column)
      c.push_back(
          dot(a.data() + row * depth, b.data() + (row / rows * columns + column) * depth, depth));
  return c;
}

// What every product and plan asks for. It is ours: nothing that anybody needs may lie there.
inline constexpr std::size_t kWorkspaceBytes = 1000;
inline void use_workspace(void* workspace) {
  std::memset(workspace, 0xff, kWorkspaceBytes);
}

}  // namespace obscura::test::emulation
