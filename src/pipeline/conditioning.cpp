#include "pipeline/conditioning.h"

#include <algorithm>

#include "ir/embedding.h"

namespace obscura::pipeline {

Tensor label_vector(const Tensor& pooled, const SizeConditioning& size, std::int64_t label_width) {
  constexpr int kSinusoids = 256;
  std::array<double, 6> numbers = size.values();
  OBSCURA_CHECK(
      label_width == pooled.elements() + static_cast<std::int64_t>(numbers.size()) * kSinusoids,
      "a label of another width than a pooled state and six sizes");
  Tensor label(Shape{1, label_width});
  float* target = std::copy(pooled.values().begin(), pooled.values().end(), label.data());
  std::array<float, 6> values{};
  std::copy(numbers.begin(), numbers.end(), values.begin());
  ir::ConstArray source{{DType::kF32, Shape{6}}, values.data()};
  ir::SinusoidOp(kSinusoids)
      .evaluate(std::span(&source, 1), {{DType::kF32, Shape{6, kSinusoids}}, target});
  return label;
}

}  // namespace obscura::pipeline
