// Elementwise sums and products. Kernels "add" and "scale".
#pragma once

#include "ir/graph.h"

namespace obscura::ir {

// y = a + b. b's shape equals a's, is a suffix of it (repeated over the outer axes: position
// embeddings), or is (N, C) beside an image a (N, H, W, C): added to each pixel (the timestep
// embedding of a residual block).
class AddOp final : public SingleResultOp {
 public:
  std::string_view name() const override { return "add"; }
  std::string text() const override { return "add"; }
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;

  // True for the (N, C) form.
  static bool is_per_channel(const Shape& a, const Shape& b) {
    return a.rank() == 4 && b.rank() == 2;
  }
};

ValueId add(Builder& builder, ValueId a, ValueId b);

// y = x * factor, with the factor (1) as an operand: an input's value can change from run to run.
// It stays float32 in every precision.
class ScaleOp final : public SingleResultOp {
 public:
  std::string_view name() const override { return "scale"; }
  std::string text() const override { return "scale"; }
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;
};

ValueId scale(Builder& builder, ValueId x, ValueId factor);

}  // namespace obscura::ir
