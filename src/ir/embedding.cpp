#include "ir/embedding.h"

#include <algorithm>
#include <cmath>

namespace obscura::ir {

Result<ValueType> EmbeddingOp::infer(std::span<const ValueType> inputs) const {
  const Shape& ids = inputs[0].shape;
  if (inputs[0].dtype != DType::kI32 || ids.rank() != 2)
    return operand_error(*this, 0, "int32 ids (N, T)", inputs[0]);
  if (inputs[1].shape.rank() != 2) return operand_error(*this, 1, "a table (V, C)", inputs[1]);
  return ValueType{inputs[1].dtype, Shape{ids[0], ids[1], inputs[1].shape[1]}};
}

void EmbeddingOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  std::int64_t width = output.size(2), rows = inputs[1].size(0);
  for (std::int64_t i = 0; i < output.size(0) * output.size(1); ++i) {
    std::int64_t id = std::clamp<std::int64_t>(inputs[0].i32()[i], 0, rows - 1);
    std::copy_n(inputs[1].f32() + id * width, width, output.f32() + i * width);
  }
}

ValueId embedding(Builder& builder, ValueId ids, ValueId table) {
  return builder.add(std::make_shared<EmbeddingOp>(), {ids, table});
}

Result<ValueType> SinusoidOp::infer(std::span<const ValueType> inputs) const {
  if (inputs[0].shape.rank() != 1) return operand_error(*this, 0, "one number a sample", inputs[0]);
  if (size <= 0 || size % 2 != 0)
    return shape_error(*this, "size must be even, is " + std::to_string(size));
  return ValueType{DType::kF32, Shape{inputs[0].shape[0], size}};
}

void SinusoidOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  // Frequencies are rounded to float32, as every other implementation has them: at t = 999 the
  // difference shows.
  int half = size / 2;
  for (std::int64_t n = 0; n < output.size(0); ++n) {
    for (int i = 0; i < half; ++i) {
      float frequency =
          std::exp(-std::log(10000.0f) * static_cast<float>(i) / static_cast<float>(half));
      float angle = inputs[0].f32()[n] * frequency;
      output.f32()[n * size + i] = std::cos(angle);
      output.f32()[n * size + half + i] = std::sin(angle);
    }
  }
}

ValueId sinusoid(Builder& builder, ValueId t, int size) {
  return builder.add(std::make_shared<SinusoidOp>(size), {t});
}

}  // namespace obscura::ir
