// Elementwise sums. Kernel "add".
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

}  // namespace obscura::ir
