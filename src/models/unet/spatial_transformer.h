// The transformer inside a U-Net block: LDM's SpatialTransformer ("attention.py").
#pragma once

#include <optional>

#include "ir/token_merge.h"
#include "models/unet/hyper_tile.h"
#include "nn/attention.h"
#include "nn/scope.h"

namespace obscura::models {

// What may be done otherwise to the self-attention of a transformer: the place for whatever else it
// is to see besides its own tokens, such as those of a reference image.
struct SelfAttentionChanges {
  bool is_identity = false;                         // each token sees only itself
  Tiles tiles;                                      // a token sees those of its own tile
  std::optional<ir::MatchTokensOp::Options> merge;  // tokens that are alike ask as one
  bool show = false;  // queries and keys of the first block become outputs "middle_q", "middle_k"
};

// x (N, H, W, C) attends to itself and to context (N, T, D) in `transformer_blocks.0`, `.1`, …
// between the projections `proj_in` and `proj_out`, and is added to the result.
ir::ValueId spatial_transformer(const nn::Scope& at, ir::ValueId x, ir::ValueId context,
                                nn::Heads heads, const SelfAttentionChanges& changes = {});

}  // namespace obscura::models
