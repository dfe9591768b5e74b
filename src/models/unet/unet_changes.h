// Ways to build a U-Net other than it was trained, which change what it predicts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tensor/resize.h"

namespace obscura::models {

// FreeU (Si et al., arXiv:2309.11497): the features of the two coarsest decoder levels are
// strengthened by b, the lowest frequencies of what the encoder hands over weakened by s. Version 2
// strengthens by the features' own mean.
struct FreeU {
  float b1 = 1.1f, b2 = 1.2f, s1 = 0.9f, s2 = 0.2f;
  bool version_2 = false;
};

// The features are shrunk behind an input block and brought back before they meet what was not
// shrunk (Kohya's "deep shrink").
struct DeepShrink {
  int block = 3;
  double factor = 2;
  bool after_skip = true;  // what the encoder hands over is not shrunk
  ResizeMethod down = ResizeMethod::kBicubic, up = ResizeMethod::kBicubic;
};

// HyperTile (Fernando, github.com/tfernd/HyperTile): the self-attention of the levels up to
// `max_depth` sees an image in tiles, so that its time grows with the image and not with its
// square.
struct HyperTile {
  int tile = 32;    // a tile's sides are at least this many of the level's pixels
  int choices = 2;  // each layer takes one of so many tile sizes, so that seams fall apart
  int max_depth = 0;
  bool scale_depth = false;  // larger tiles deeper down, as ComfyUI has it: by 1, 2 and 8
};

// Token merging (Bolya and Hoffman, arXiv:2303.17604) as ComfyUI has it: in the self-attention at
// the latent's own size, the queries that are most alike are asked as one. Levels in tiles are left
// alone.
struct TokenMerge {
  double ratio = 0.3;  // of the tokens that are merged into others; three quarters at the most
};

struct UNetChanges {
  std::optional<FreeU> free_u;
  std::optional<DeepShrink> deep_shrink;
  std::optional<HyperTile> hyper_tile;
  std::optional<TokenMerge> token_merge;
  // Transformers that hand their input on, by their places: "middle_block.1".
  std::vector<std::string> skipped;
  // Self-attention of the middle block returns its values as if each token saw only itself
  // (perturbed-attention guidance, Ahn et al., arXiv:2403.17377).
  bool middle_attention_is_identity = false;
  // The queries and keys of the middle block's first self-attention become outputs "middle_q" and
  // "middle_k" of the network.
  bool show_middle_attention = false;

  // Equal for equal changes; empty for none.
  std::string key() const;
  // Names of the outputs that they add.
  std::vector<std::string> shown() const;
};

}  // namespace obscura::models
