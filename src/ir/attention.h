// Scaled dot-product attention (arXiv:1706.03762): softmax(q k^T / sqrt(head size)) v for each
// head. Kernel "attention".
//
// A mask says which keys a query sees, or adds to its scores; a query that sees nothing gives
// zeros.
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
    bool mask = false;
  };
  explicit AttentionOp(Options options) : options(options) {}

  // Operands: q (N, T, ≥ q_offset + width), k and v (N, S, …), with width = heads * head_size, and
  // [mask (N or 1, heads or 1, T or 1, S)], which repeats along an axis of 1: numbers that are
  // added to the scaled scores, or int32, 0 where the key is not seen. Result (N, T, width).
  std::string_view name() const override { return "attention"; }
  std::string text() const override;
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;

  int mask_operand() const { return options.mask ? 3 : -1; }

  const Options options;
};

// `mask` may be kNoValue; options.mask is set by it.
ValueId attention(Builder& builder, ValueId q, ValueId k, ValueId v, AttentionOp::Options options,
                  ValueId mask = kNoValue);

}  // namespace obscura::ir
