// y = (x - mean) / sqrt(variance + eps) * gamma + beta over the innermost axis (arXiv:1607.06450).
// Kernel "layer_norm".
#pragma once

#include "ir/graph.h"

namespace obscura::ir {

// Operands: x (…, C), gamma (C), beta (C).
class LayerNormOp final : public SingleResultOp {
 public:
  explicit LayerNormOp(float eps) : eps(eps) {}
  std::string_view name() const override { return "layer_norm"; }
  std::string text() const override;
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;

  const float eps;
};

ValueId layer_norm(Builder& builder, ValueId x, ValueId gamma, ValueId beta, float eps = 1e-5f);

}  // namespace obscura::ir
