// y = activation(x W^T + bias) + residual, over the innermost axis. Kernel "linear".
#pragma once

#include "ir/activation.h"
#include "ir/graph.h"

namespace obscura::ir {

class LinearOp final : public SingleResultOp {
 public:
  struct Options {
    bool bias = false;
    bool residual = false;
    Activation activation = Activation::kNone;
    // The weight is stored (in, out) instead of (out, in), as OpenCLIP's text_projection.
    bool weight_in_by_out = false;
  };
  explicit LinearOp(Options options) : options(options) {}

  // Operands: x (…, in), weight, [bias (out)], [residual (…, out)].
  std::string_view name() const override { return "linear"; }
  std::string text() const override;
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;

  int bias_operand() const { return options.bias ? 2 : -1; }
  int residual_operand() const { return options.residual ? 2 + options.bias : -1; }

  const Options options;
};

// `bias` may be kNoValue.
ValueId linear(Builder& builder, ValueId x, ValueId weight, ValueId bias);
ValueId linear_in_by_out(Builder& builder, ValueId x, ValueId weight);

}  // namespace obscura::ir
