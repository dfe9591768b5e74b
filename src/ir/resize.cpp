#include "ir/resize.h"

#include <algorithm>

namespace obscura::ir {

std::string ResizeOp::text() const {
  return "resize " + std::to_string(height) + "x" + std::to_string(width) + " method " +
         std::to_string(static_cast<int>(method));
}

Result<ValueType> ResizeOp::infer(std::span<const ValueType> inputs) const {
  const Shape& s = inputs[0].shape;
  if (s.rank() != 4) return operand_error(*this, 0, "an image (N, H, W, C)", inputs[0]);
  if (height < 1 || width < 1) return shape_error(*this, "a size of at least 1x1 is wanted");
  return ValueType{inputs[0].dtype, Shape{s[0], height, width, s[3]}};
}

void ResizeOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  Tensor image(inputs[0].type.shape);
  std::copy_n(inputs[0].f32(), image.elements(), image.data());
  Tensor resized = resize_image(image, width, height, method);
  std::copy_n(resized.data(), resized.elements(), output.f32());
}

ValueId resize(Builder& builder, ValueId x, std::int64_t height, std::int64_t width,
               ResizeMethod method) {
  return builder.add(std::make_shared<ResizeOp>(height, width, method), {x});
}

}  // namespace obscura::ir
