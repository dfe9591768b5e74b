// Scaled dot-product attention (arXiv:1706.03762): softmax(q k^T / sqrt(head size)) v for each
// head. Kernel "attention".
//
// Heads lie side by side in the innermost axis. q, k and v may be slices of one merged projection:
// each operand has an offset into its innermost axis. No backend may hold the full score matrix of
// a head.
#pragma once

#include "ir/graph.h"

namespace obscura::ir {

class AttentionOp final : public SingleResultOp {
 public:
  struct Options {
    int heads = 1;
    int head_size = 64;
    bool causal = false;  // token i sees tokens 0…i
    int q_offset = 0, k_offset = 0, v_offset = 0;
  };
  explicit AttentionOp(Options options) : options(options) {}

  // Operands: q (N, T, ≥ q_offset + width), k and v (N, S, …), with width = heads * head_size.
  // Result (N, T, width).
  std::string_view name() const override { return "attention"; }
  std::string text() const override;
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;

  const Options options;
};

ValueId attention(Builder& builder, ValueId q, ValueId k, ValueId v, AttentionOp::Options options);

}  // namespace obscura::ir
