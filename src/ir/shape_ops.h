// Ops that move elements without computing: views, joins, selections.
#pragma once

#include "ir/graph.h"

namespace obscura::ir {

// The same memory under another shape. No kernel.
class ReshapeOp final : public SingleResultOp {
 public:
  explicit ReshapeOp(Shape shape) : shape(shape) {}
  std::string_view name() const override { return "reshape"; }
  std::string text() const override { return "reshape " + shape.text(); }
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;
  bool is_view() const override { return true; }

  const Shape shape;
};

ValueId reshape(Builder& builder, ValueId x, Shape shape);

// Joins two values along the innermost axis. Kernel "concat".
class ConcatOp final : public SingleResultOp {
 public:
  std::string_view name() const override { return "concat"; }
  std::string text() const override { return "concat"; }
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;
};

ValueId concat(Builder& builder, ValueId a, ValueId b);

// Rows [begin, end) of each image (N, H, W, C). Kernel "slice_rows".
class SliceRowsOp final : public SingleResultOp {
 public:
  SliceRowsOp(std::int64_t begin, std::int64_t end) : begin(begin), end(end) {}
  std::string_view name() const override { return "slice_rows"; }
  std::string text() const override;
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;

  const std::int64_t begin, end;
};

ValueId slice_rows(Builder& builder, ValueId x, std::int64_t begin, std::int64_t end);

// (A, B, C, D) to (A, C, B, D): with reshapes around it, an image's tokens tile by tile and back.
// Kernel "swap_axes".
class SwapAxesOp final : public SingleResultOp {
 public:
  std::string_view name() const override { return "swap_axes"; }
  std::string text() const override { return "swap_axes"; }
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;
};

ValueId swap_axes(Builder& builder, ValueId x);

// Token `index[n]` of each sample: (N, T, C) and int32 (N) -> (N, C). Kernel "select_token".
class SelectTokenOp final : public SingleResultOp {
 public:
  std::string_view name() const override { return "select_token"; }
  std::string text() const override { return "select_token"; }
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;
};

ValueId select_token(Builder& builder, ValueId x, ValueId index);

}  // namespace obscura::ir
