#include "ir/layer_norm.h"

#include <fmt/format.h>

#include <cmath>

namespace obscura::ir {

std::string LayerNormOp::text() const {
  return fmt::format("layer_norm eps={}", eps);
}

Result<ValueType> LayerNormOp::infer(std::span<const ValueType> inputs) const {
  for (int i : {1, 2}) {
    const ValueType& parameter = inputs[static_cast<std::size_t>(i)];
    if (parameter.shape != Shape{inputs[0].shape[-1]}) {
      return operand_error(*this, i, std::to_string(inputs[0].shape[-1]) + " features", parameter);
    }
  }
  return inputs[0];
}

void LayerNormOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  std::int64_t width = output.size(-1), rows = output.type.shape.elements() / width;
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* x = inputs[0].f32() + row * width;
    double sum = 0, squares = 0;
    for (std::int64_t i = 0; i < width; ++i) sum += x[i];
    double mean = sum / static_cast<double>(width);
    for (std::int64_t i = 0; i < width; ++i) squares += (x[i] - mean) * (x[i] - mean);
    double inverse = 1 / std::sqrt(squares / static_cast<double>(width) + eps);
    for (std::int64_t i = 0; i < width; ++i) {
      output.f32()[row * width + i] =
          static_cast<float>((x[i] - mean) * inverse * inputs[1].f32()[i] + inputs[2].f32()[i]);
    }
  }
}

ValueId layer_norm(Builder& builder, ValueId x, ValueId gamma, ValueId beta, float eps) {
  return builder.add(std::make_shared<LayerNormOp>(eps), {x, gamma, beta});
}

}  // namespace obscura::ir
