// Reads the reference data in tests/golden and compares tensors with it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "io/safetensors.h"
#include "tensor/tensor.h"
#include "test_paths.h"

namespace obscura::golden {

// Where the build unpacked tests/golden/<name>.xz, or tests/golden/<name> if it is kept plain.
inline std::filesystem::path path(const std::string& name) {
  std::filesystem::path unpacked = unpacked_golden_path(name);
  if (std::filesystem::exists(unpacked)) return unpacked;
  return source_path("tests/golden/" + name);
}

inline Tensor tensor(const io::TensorEntry& entry) {
  Tensor result(entry.shape);
  widen_to_f32(entry.dtype, entry.bytes.data(), result.data(),
               static_cast<std::size_t>(result.elements()));
  return result;
}

// The named tensor as float32. Fails the check, and so the test, if it is missing.
inline Tensor tensor(const io::SafetensorsFile& file, const std::string& name) {
  const io::TensorEntry* entry = file.find(name);
  OBSCURA_CHECK(entry != nullptr, "no tensor " + name + " in " + file.name());
  return tensor(*entry);
}

// Largest absolute difference. Infinite if sizes differ or a NaN stands anywhere, so that neither
// can pass a comparison.
template <class Left, class Right>
double max_difference(std::span<Left> left, std::span<Right> right) {
  if (left.size() != right.size()) return std::numeric_limits<double>::infinity();
  double largest = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    double difference = std::fabs(static_cast<double>(left[i]) - static_cast<double>(right[i]));
    if (std::isnan(difference)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, difference);
  }
  return largest;
}

inline double max_difference(const Tensor& left, const Tensor& right) {
  if (!(left.shape() == right.shape())) return std::numeric_limits<double>::infinity();
  return max_difference(left.values(), right.values());
}

}  // namespace obscura::golden
