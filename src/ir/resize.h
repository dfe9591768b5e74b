// Resizing of images by the methods of tensor/resize.h. The CPU runs the plain definition.
#pragma once

#include "ir/graph.h"
#include "tensor/resize.h"

namespace obscura::ir {

// (N, H, W, C) to (N, height, width, C).
class ResizeOp final : public SingleResultOp {
 public:
  ResizeOp(std::int64_t height, std::int64_t width, ResizeMethod method)
      : height(height), width(width), method(method) {}
  std::string_view name() const override { return "resize"; }
  std::string text() const override;
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;

  const std::int64_t height, width;
  const ResizeMethod method;
};

ValueId resize(Builder& builder, ValueId x, std::int64_t height, std::int64_t width,
               ResizeMethod method);

}  // namespace obscura::ir
