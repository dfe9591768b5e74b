#include "tensor/tensor.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace obscura {

Tensor::Tensor(Shape shape)
    : shape_(shape),
      values_(std::make_shared<std::vector<float>>(static_cast<std::size_t>(shape.elements()))) {}

Tensor::Tensor(Shape shape, std::vector<float> values)
    : shape_(shape), values_(std::make_shared<std::vector<float>>(std::move(values))) {
  OBSCURA_CHECK(elements() == shape.elements(),
                "a tensor of shape " + shape.text() + " needs as many values");
}

Tensor Tensor::filled(Shape shape, float value) {
  return Tensor(shape, std::vector<float>(static_cast<std::size_t>(shape.elements()), value));
}

Tensor Tensor::clone() const {
  return Tensor(shape_, *values_);
}

Tensor Tensor::reshaped(Shape shape) const {
  OBSCURA_CHECK(shape.elements() == elements(),
                "cannot view " + shape_.text() + " as " + shape.text());
  Tensor view = *this;
  view.shape_ = shape;
  return view;
}

Tensor Tensor::slice(std::int64_t begin, std::int64_t end) const {
  OBSCURA_CHECK(0 <= begin && begin <= end && end <= shape_[0], "slice outside the tensor");
  Shape shape = shape_;
  shape.set(0, end - begin);
  std::int64_t stride = shape_[0] == 0 ? 0 : elements() / shape_[0];
  return Tensor(shape, std::vector<float>(values_->begin() + begin * stride,
                                          values_->begin() + end * stride));
}

Tensor concatenate(std::span<const Tensor> parts) {
  OBSCURA_CHECK(!parts.empty(), "concatenate needs a part");
  Shape shape = parts[0].shape();
  std::int64_t total = 0;
  for (const Tensor& part : parts) {
    Shape expected = shape;
    expected.set(0, part.shape()[0]);
    OBSCURA_CHECK(expected == part.shape(),
                  "cannot join " + shape.text() + " and " + part.shape().text());
    total += part.shape()[0];
  }
  shape.set(0, total);
  Tensor joined(shape);
  float* target = joined.data();
  for (const Tensor& part : parts)
    target = std::copy(part.values().begin(), part.values().end(), target);
  return joined;
}

}  // namespace obscura
