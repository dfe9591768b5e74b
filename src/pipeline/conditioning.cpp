#include "pipeline/conditioning.h"

#include <algorithm>

#include "ir/embedding.h"

namespace obscura::pipeline {

Tensor label_vector(const Tensor& pooled, std::span<const double> numbers) {
  const auto count = static_cast<std::int64_t>(numbers.size());
  Tensor label(Shape{1, pooled.elements() + count * kNumberFeatures});
  float* target = std::copy(pooled.values().begin(), pooled.values().end(), label.data());
  std::vector<float> values(numbers.size());
  std::transform(numbers.begin(), numbers.end(), values.begin(),
                 [](double number) { return static_cast<float>(number); });
  ir::ConstArray source{{DType::kF32, Shape{count}}, values.data()};
  ir::SinusoidOp sinusoid(static_cast<int>(kNumberFeatures));
  sinusoid.evaluate(std::span(&source, 1), {{DType::kF32, Shape{count, kNumberFeatures}}, target});
  return label;
}

}  // namespace obscura::pipeline
