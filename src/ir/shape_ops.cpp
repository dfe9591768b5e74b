#include "ir/shape_ops.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace obscura::ir {

Result<ValueType> ReshapeOp::infer(std::span<const ValueType> inputs) const {
  if (inputs[0].shape.elements() != shape.elements()) {
    return operand_error(*this, 0, "as many elements as " + shape.text(), inputs[0]);
  }
  return ValueType{inputs[0].dtype, shape};
}

void ReshapeOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  std::memmove(output.data, inputs[0].data, output.type.bytes());
}

ValueId reshape(Builder& builder, ValueId x, Shape shape) {
  return builder.add(std::make_shared<ReshapeOp>(shape), {x});
}

Result<ValueType> ConcatOp::infer(std::span<const ValueType> inputs) const {
  Shape wanted = inputs[0].shape;
  wanted.set(-1, inputs[1].shape[-1]);
  if (inputs[1].shape != wanted)
    return operand_error(*this, 1, "the outer axes of " + inputs[0].shape.text(), inputs[1]);
  wanted.set(-1, inputs[0].shape[-1] + inputs[1].shape[-1]);
  return ValueType{inputs[0].dtype, wanted};
}

void ConcatOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  std::int64_t a = inputs[0].size(-1), b = inputs[1].size(-1),
               rows = output.type.shape.elements() / (a + b);
  for (std::int64_t row = 0; row < rows; ++row) {
    float* y = output.f32() + row * (a + b);
    std::copy_n(inputs[0].f32() + row * a, a, y);
    std::copy_n(inputs[1].f32() + row * b, b, y + a);
  }
}

ValueId concat(Builder& builder, ValueId a, ValueId b) {
  return builder.add(std::make_shared<ConcatOp>(), {a, b});
}

std::string SliceRowsOp::text() const {
  return fmt::format("slice_rows {}..{}", begin, end);
}

Result<ValueType> SliceRowsOp::infer(std::span<const ValueType> inputs) const {
  ValueType result = inputs[0];
  if (result.shape.rank() != 4) return operand_error(*this, 0, "(N, H, W, C)", inputs[0]);
  if (begin < 0 || end <= begin || end > result.shape[1])
    return operand_error(*this, 0, text(), inputs[0]);
  result.shape.set(1, end - begin);
  return result;
}

void SliceRowsOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  std::int64_t row = output.size(2) * output.size(3), rows = end - begin;
  for (std::int64_t n = 0; n < output.size(0); ++n) {
    std::copy_n(inputs[0].f32() + (n * inputs[0].size(1) + begin) * row, rows * row,
                output.f32() + n * rows * row);
  }
}

ValueId slice_rows(Builder& builder, ValueId x, std::int64_t begin, std::int64_t end) {
  return builder.add(std::make_shared<SliceRowsOp>(begin, end), {x});
}

Result<ValueType> SwapAxesOp::infer(std::span<const ValueType> inputs) const {
  const Shape& x = inputs[0].shape;
  if (x.rank() != 4) return operand_error(*this, 0, "four axes", inputs[0]);
  return ValueType{inputs[0].dtype, Shape{x[0], x[2], x[1], x[3]}};
}

void SwapAxesOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  const std::int64_t outer = output.size(1), inner = output.size(2), width = output.size(3);
  float* to = output.f32();
  for (std::int64_t a = 0; a < output.size(0); ++a) {
    const float* from = inputs[0].f32() + a * outer * inner * width;
    for (std::int64_t c = 0; c < outer; ++c) {
      for (std::int64_t b = 0; b < inner; ++b, to += width)
        std::copy_n(from + (b * outer + c) * width, width, to);
    }
  }
}

ValueId swap_axes(Builder& builder, ValueId x) {
  return builder.add(std::make_shared<SwapAxesOp>(), {x});
}

Result<ValueType> SelectTokenOp::infer(std::span<const ValueType> inputs) const {
  const Shape& x = inputs[0].shape;
  if (x.rank() != 3) return operand_error(*this, 0, "(N, T, C)", inputs[0]);
  if (inputs[1] != ValueType{DType::kI32, Shape{x[0]}})
    return operand_error(*this, 1, "an index a sample", inputs[1]);
  return ValueType{inputs[0].dtype, Shape{x[0], x[2]}};
}

void SelectTokenOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  std::int64_t tokens = inputs[0].size(1), width = inputs[0].size(2);
  for (std::int64_t n = 0; n < output.size(0); ++n) {
    std::int64_t token = std::clamp<std::int64_t>(inputs[1].i32()[n], 0, tokens - 1);
    std::copy_n(inputs[0].f32() + (n * tokens + token) * width, width, output.f32() + n * width);
  }
}

ValueId select_token(Builder& builder, ValueId x, ValueId index) {
  return builder.add(std::make_shared<SelectTokenOp>(), {x, index});
}

}  // namespace obscura::ir
