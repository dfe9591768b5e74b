// Element types inside a graph: the op that changes one, and the rewrite of a whole graph to
// another precision.
#pragma once

#include "ir/graph.h"

namespace obscura::ir {

// The same numbers, rounded to nearest, in another floating type. Kernel "cast".
class CastOp final : public SingleResultOp {
 public:
  explicit CastOp(DType dtype) : dtype(dtype) {}
  std::string_view name() const override { return "cast"; }
  std::string text() const override { return "cast " + std::string(name_of(dtype)); }
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  // F32, F16 and BF16.
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;

  const DType dtype;
};

// The graph with results and weights of type `dtype` (F16 or BF16). Its inputs, outputs and
// parameters stay as they are. What must be exact stays float32: timesteps and their sinusoids, the
// statistics of group norms, and the factors of scales.
Graph with_precision(const Graph& graph, DType dtype);

}  // namespace obscura::ir
