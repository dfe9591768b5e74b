// A dense float32 array in host memory, row-major: what samplers, nodes and files pass around.
//
// Images are (B, H, W, C) in 0…1, masks (B, H, W), latents (B, C, H, W), as in ComfyUI. Copies
// share the elements (a Tensor is a handle); clone() copies them. Treat a Tensor that others may
// hold as read-only. Thread safety: as for a shared_ptr; concurrent reads of the elements are safe.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "tensor/shape.h"

namespace obscura {

class Tensor {
 public:
  // Of shape {0}: holds nothing.
  Tensor() : Tensor(Shape{0}) {}
  // Elements are zero.
  explicit Tensor(Shape shape);
  // REQUIRES: values.size() == shape.elements().
  Tensor(Shape shape, std::vector<float> values);
  static Tensor filled(Shape shape, float value);

  const Shape& shape() const { return shape_; }
  std::int64_t elements() const { return static_cast<std::int64_t>(values_->size()); }
  bool empty() const { return values_->empty(); }

  std::span<float> values() { return *values_; }
  std::span<const float> values() const { return *values_; }
  float* data() { return values_->data(); }
  const float* data() const { return values_->data(); }

  Tensor clone() const;
  // The same elements under another shape. REQUIRES: equal numbers of elements.
  Tensor reshaped(Shape shape) const;
  // Entry `index` of the outermost axis, as a copy that keeps the axis with size 1.
  Tensor slice(std::int64_t index) const { return slice(index, index + 1); }
  // Entries [begin, end) of the outermost axis, copied.
  Tensor slice(std::int64_t begin, std::int64_t end) const;

 private:
  Shape shape_;
  std::shared_ptr<std::vector<float>> values_;
};

// Joins along the outermost axis. REQUIRES: at least one part, and equal inner shapes.
Tensor concatenate(std::span<const Tensor> parts);

}  // namespace obscura
