#include "ir/arithmetic.h"

namespace obscura::ir {

Result<ValueType> AddOp::infer(std::span<const ValueType> inputs) const {
  const Shape &a = inputs[0].shape, &b = inputs[1].shape;
  if (is_per_channel(a, b)) {
    if (b == Shape{a[0], a[3]}) return inputs[0];
  } else if (b.rank() <= a.rank()) {
    bool suffix = true;
    for (int axis = 1; axis <= b.rank(); ++axis) suffix = suffix && a[-axis] == b[-axis];
    if (suffix) return inputs[0];
  }
  return operand_error(*this, 1, "a shape that repeats over " + a.text(), inputs[1]);
}

void AddOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  const Shape &a = inputs[0].type.shape, &b = inputs[1].type.shape;
  std::int64_t count = a.elements(), period = b.elements();
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t j = is_per_channel(a, b) ? i / (a[1] * a[2] * a[3]) * a[3] + i % a[3] : i % period;
    output.f32()[i] = inputs[0].f32()[i] + inputs[1].f32()[j];
  }
}

ValueId add(Builder& builder, ValueId a, ValueId b) {
  return builder.add(std::make_shared<AddOp>(), {a, b});
}

Result<ValueType> ScaleOp::infer(std::span<const ValueType> inputs) const {
  if (inputs[1] != ValueType{DType::kF32, Shape{1}})
    return operand_error(*this, 1, "one number", inputs[1]);
  return inputs[0];
}

void ScaleOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  for (std::int64_t i = 0; i < output.type.shape.elements(); ++i)
    output.f32()[i] = inputs[0].f32()[i] * inputs[1].f32()[0];
}

ValueId scale(Builder& builder, ValueId x, ValueId factor) {
  return builder.add(std::make_shared<ScaleOp>(), {x, factor});
}

}  // namespace obscura::ir
