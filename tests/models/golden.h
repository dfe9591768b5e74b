// The pocket model and what other programs compute with it (tests/golden/pocket_golden.safetensors:
// diffusers, float32).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/pocket.h"
#include "golden_data.h"
#include "io/safetensors.h"
#include "ir/evaluate.h"
#include "tensor/tensor.h"

namespace obscura::models {

inline const io::SafetensorsFile& pocket_file() {
  static const io::SafetensorsFile kFile =
      io::SafetensorsFile::parse(checkpoint::pocket_model(), "pocket").value();
  return kFile;
}

inline Tensor read_tensor(const io::SafetensorsFile& file, const std::string& name, Shape shape) {
  const io::TensorEntry* entry = file.find(name);
  if (entry == nullptr) throw std::runtime_error("no tensor " + name);
  Tensor tensor(shape);
  auto count = static_cast<std::size_t>(tensor.elements());
  if (entry->dtype == DType::kI32) {
    for (std::size_t i = 0; i < count; ++i) {
      std::int32_t value = 0;
      std::memcpy(&value, entry->bytes.data() + 4 * i, 4);
      tensor.data()[i] = static_cast<float>(value);
    }
  } else {
    widen_to_f32(entry->dtype, entry->bytes.data(), tensor.data(), count);
  }
  return tensor;
}

// One network of the pocket model, by its prefix.
class PocketWeights final : public ir::WeightIndex {
 public:
  explicit PocketWeights(std::string prefix) : prefix_(std::move(prefix)) {}
  const Shape* find(std::string_view name) const override {
    const io::TensorEntry* entry = pocket_file().find(prefix_ + std::string(name));
    return entry == nullptr ? nullptr : &entry->shape;
  }
  ir::WeightReader reader() const {
    return [this](const ir::WeightSpec& spec) -> Result<Tensor> {
      return read_tensor(pocket_file(), prefix_ + spec.parts.at(0), spec.shape);
    };
  }

 private:
  std::string prefix_;
};

// What diffusers computed, as stored: images are (N, C, H, W). in.*, out.* and act.* are a pair of
// `obscura models parity`.
inline Tensor reference(const std::string& name) {
  static const io::SafetensorsFile kFile =
      io::SafetensorsFile::open(golden::path("pocket_golden.safetensors")).value();
  const io::TensorEntry* entry = kFile.find(name);
  if (entry == nullptr) throw std::runtime_error("no reference tensor " + name);
  return read_tensor(kFile, name, entry->shape);
}

// (N, C, H, W) to (N, H, W, C).
inline Tensor channels_last(const Tensor& x) {
  const Shape s = x.shape();
  Tensor y(Shape{s[0], s[2], s[3], s[1]});
  float* to = y.data();
  for (std::int64_t n = 0; n < s[0]; ++n) {
    for (std::int64_t p = 0; p < s[2] * s[3]; ++p) {
      for (std::int64_t c = 0; c < s[1]; ++c) *to++ = x.data()[(n * s[1] + c) * s[2] * s[3] + p];
    }
  }
  return y;
}

// Largest difference over largest wanted value. Shapes may differ (tokens and images), sizes not.
inline double relative_error(const Tensor& found, const Tensor& wanted) {
  if (found.elements() != wanted.elements()) return INFINITY;
  double difference = 0, largest = 0;
  for (std::int64_t i = 0; i < wanted.elements(); ++i) {
    double d = std::abs(static_cast<double>(found.data()[i]) - wanted.data()[i]);
    if (!(d <= difference)) difference = d;  // NaN too
    largest = std::max(largest, std::abs(static_cast<double>(wanted.data()[i])));
  }
  return difference / largest;
}

// SDXL's "y": the pooled state, then sinusoids of the six numbers of the size condition.
inline Tensor label(const Tensor& pooled, const std::vector<std::array<float, 6>>& sizes) {
  const std::int64_t n = pooled.shape()[0], width = pooled.shape()[1], each = 256;
  Tensor y(Shape{n, width + 6 * each});
  for (std::int64_t i = 0; i < n; ++i) {
    float* row = y.data() + i * (width + 6 * each);
    std::copy_n(pooled.data() + i * width, width, row);
    for (std::int64_t k = 0; k < 6 * each; ++k) {
      std::int64_t j = k % each, half = each / 2;
      float f =
          std::exp(-std::log(10000.0f) * static_cast<float>(j % half) / static_cast<float>(half));
      float angle = sizes[static_cast<std::size_t>(i)][static_cast<std::size_t>(k / each)] * f;
      row[width + k] = j < half ? std::cos(angle) : std::sin(angle);
    }
  }
  return y;
}

}  // namespace obscura::models
