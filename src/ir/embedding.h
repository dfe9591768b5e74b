// Embeddings: of tokens by a table, of numbers by sinusoids.
#pragma once

#include "ir/graph.h"

namespace obscura::ir {

// Rows of a table: ids int32 (N, T), table (V, C) -> (N, T, C). An id outside the table reads its
// nearest end (ids come from our own tokenizer). Kernel "embedding".
class EmbeddingOp final : public SingleResultOp {
 public:
  std::string_view name() const override { return "embedding"; }
  std::string text() const override { return "embedding"; }
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;
};

ValueId embedding(Builder& builder, ValueId ids, ValueId table);

// cos(t f_i) for i < size / 2, then sin(t f_i), with f_i = 10000^(-2i / size): DDPM's timestep
// embedding (arXiv:2006.11239) in the order that Stable Diffusion uses. t (N) -> (N, size). Kernel
// "sinusoid".
class SinusoidOp final : public SingleResultOp {
 public:
  explicit SinusoidOp(int size) : size(size) {}
  std::string_view name() const override { return "sinusoid"; }
  std::string text() const override { return "sinusoid " + std::to_string(size); }
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;

  const int size;
};

ValueId sinusoid(Builder& builder, ValueId t, int size);

}  // namespace obscura::ir
