// Multi-head attention layers: projections to q, k and v, attention, and a projection back.
#pragma once

#include <string_view>

#include "nn/scope.h"

namespace obscura::nn {

// What a family of networks calls the four projections.
struct AttentionNames {
  std::string_view q, k, v, out;
};
inline constexpr AttentionNames kLdmAttention{"to_q", "to_k", "to_v", "to_out.0"};
inline constexpr AttentionNames kHuggingFaceAttention{"q_proj", "k_proj", "v_proj", "out_proj"};
inline constexpr AttentionNames kVaeAttention{"q", "k", "v", "proj_out"};

// How a width divides into heads. The shapes of a file do not tell.
struct Heads {
  int count = 0;  // 0: as many as heads of `size` fit
  int size = 64;  // unused if count > 0
  bool causal = false;
  // All of the width in one head.
  static Heads single() { return {.count = 1}; }
};

// x (N, T, C) attends to context (N, S, D), which is x itself for self-attention. Result (N, T, C).
ir::ValueId attention(const Scope& at, ir::ValueId x, ir::ValueId context,
                      const AttentionNames& names, Heads heads);

// Self-attention with PyTorch's merged projection: `in_proj_weight` (3 C, C), `in_proj_bias` (3 C)
// and `out_proj`, as in OpenCLIP.
ir::ValueId merged_self_attention(const Scope& at, ir::ValueId x, Heads heads);

}  // namespace obscura::nn
