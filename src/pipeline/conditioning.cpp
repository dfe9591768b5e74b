#include "pipeline/conditioning.h"

#include <algorithm>

#include "ir/embedding.h"

namespace obscura::pipeline {

Tensor label_vector(const Tensor& pooled, const SizeConditioning& size) {
  std::array<double, 6> numbers = size.values();
  constexpr auto kCount = static_cast<std::int64_t>(numbers.size());
  Tensor label(Shape{1, pooled.elements() + kSizeFeatures});
  float* target = std::copy(pooled.values().begin(), pooled.values().end(), label.data());
  std::array<float, numbers.size()> values{};
  std::transform(numbers.begin(), numbers.end(), values.begin(),
                 [](double number) { return static_cast<float>(number); });
  ir::ConstArray source{{DType::kF32, Shape{kCount}}, values.data()};
  ir::SinusoidOp sinusoid(static_cast<int>(kSizeFeatures / kCount));
  sinusoid.evaluate(std::span(&source, 1),
                    {{DType::kF32, Shape{kCount, kSizeFeatures / kCount}}, target});
  return label;
}

}  // namespace obscura::pipeline
