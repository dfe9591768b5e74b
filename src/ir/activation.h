// Elementwise non-linearities of the SDXL family.
#pragma once

#include <string_view>

#include "ir/graph.h"

namespace obscura::ir {

enum class Activation {
  kNone,
  kSilu,       // x * sigmoid(x)
  kGelu,       // x * (1 + erf(x / sqrt 2)) / 2
  kQuickGelu,  // x * sigmoid(1.702 x), CLIP-L's
  kRelu,       // x where it is positive, else 0
};

std::string_view name_of(Activation activation);
double activate(Activation activation, double x);

// y = activation(x), any shape. Kernel "activation".
class ActivationOp final : public SingleResultOp {
 public:
  explicit ActivationOp(Activation activation) : activation(activation) {}
  std::string_view name() const override { return "activation"; }
  std::string text() const override;
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;

  const Activation activation;
};

ValueId activation(Builder& builder, ValueId x, Activation kind);

// y = a * gelu(b), where a and b are the first and second half of x's innermost axis (GEGLU,
// arXiv:2002.05202). Kernel "geglu".
class GegluOp final : public SingleResultOp {
 public:
  std::string_view name() const override { return "geglu"; }
  std::string text() const override { return "geglu"; }
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;
};

ValueId geglu(Builder& builder, ValueId x);

}  // namespace obscura::ir
