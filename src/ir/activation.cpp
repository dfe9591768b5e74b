#include "ir/activation.h"

#include <cmath>
#include <numbers>

namespace obscura::ir {

std::string_view name_of(Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return "none";
    case Activation::kSilu:
      return "silu";
    case Activation::kGelu:
      return "gelu";
    case Activation::kQuickGelu:
      return "quick_gelu";
    case Activation::kRelu:
      return "relu";
  }
  return "none";
}

double activate(Activation activation, double x) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kGelu:
      return x * 0.5 * (1 + std::erf(x / std::numbers::sqrt2));
    case Activation::kQuickGelu:
      return x / (1 + std::exp(-1.702 * x));
    case Activation::kRelu:
      return x > 0 ? x : 0;
  }
  return x;
}

std::string ActivationOp::text() const {
  return "activation " + std::string(name_of(activation));
}

Result<ValueType> ActivationOp::infer(std::span<const ValueType> inputs) const {
  return inputs[0];
}

void ActivationOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  for (std::int64_t i = 0; i < output.type.shape.elements(); ++i) {
    output.f32()[i] = static_cast<float>(activate(activation, inputs[0].f32()[i]));
  }
}

ValueId activation(Builder& builder, ValueId x, Activation kind) {
  return builder.add(std::make_shared<ActivationOp>(kind), {x});
}

Result<ValueType> GegluOp::infer(std::span<const ValueType> inputs) const {
  if (inputs[0].shape[-1] % 2 != 0)
    return operand_error(*this, 0, "an even innermost axis", inputs[0]);
  ValueType result = inputs[0];
  result.shape.set(-1, result.shape[-1] / 2);
  return result;
}

void GegluOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  std::int64_t width = output.size(-1), rows = output.type.shape.elements() / width;
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* x = inputs[0].f32() + row * 2 * width;
    for (std::int64_t i = 0; i < width; ++i) {
      output.f32()[row * width + i] =
          static_cast<float>(x[i] * activate(Activation::kGelu, x[width + i]));
    }
  }
}

ValueId geglu(Builder& builder, ValueId x) {
  return builder.add(std::make_shared<GegluOp>(), {x});
}

}  // namespace obscura::ir
