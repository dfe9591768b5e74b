#include "models/unet/spatial_transformer.h"

#include "ir/activation.h"
#include "ir/arithmetic.h"
#include "ir/shape_ops.h"
#include "nn/linear.h"
#include "nn/norm.h"

namespace obscura::models {
namespace {

using ir::ValueId;
using nn::Scope;

// Unlike that of the residual blocks.
constexpr float kTransformerNormEps = 1e-6f;

ValueId feed_forward(const Scope& at, ValueId x) {
  Scope gate = at / "net.0";
  ValueId h = nn::linear(gate / "proj", x);
  h = ir::geglu(gate.enter(), h);
  return nn::linear(at / "net.2", h);
}

// Tokens (N, H * W, C) of an image as (N * tiles, pixels of a tile, C).
ValueId tile_by_tile(ir::Builder& builder, ValueId tokens, const Shape& image, Tiles tiles) {
  const std::int64_t rows = image[1] / tiles.rows, columns = image[2] / tiles.columns;
  const std::int64_t images = image[0] * tiles.rows, width = columns * image[3];
  ValueId h = ir::reshape(builder, tokens, Shape{images, rows, tiles.columns, width});
  return ir::reshape(builder, ir::swap_axes(builder, h),
                     Shape{images * tiles.columns, rows * columns, image[3]});
}

// The inverse.
ValueId row_by_row(ir::Builder& builder, ValueId tokens, const Shape& image, Tiles tiles) {
  const std::int64_t rows = image[1] / tiles.rows, columns = image[2] / tiles.columns;
  ValueId h = ir::reshape(builder, tokens,
                          Shape{image[0] * tiles.rows, tiles.columns, rows, columns * image[3]});
  return ir::reshape(builder, ir::swap_axes(builder, h),
                     Shape{image[0], image[1] * image[2], image[3]});
}

// Keys and values are those of all tokens.
ValueId merging_attention(const Scope& at, ValueId n, nn::Heads heads,
                          const ir::MatchTokensOp::Options& merge) {
  ir::Builder& builder = at.enter();
  const ValueId places = ir::match_tokens(builder, n, merge);
  const ValueId few =
      ir::merge_tokens(builder, n, places, merge.height * merge.width - merge.merged);
  const ValueId attended = nn::attention(at, few, n, nn::kLdmAttention, heads);
  return ir::spread_tokens(at.enter(), attended, places);
}

// `image` is the shape of what the tokens n were.
ValueId self_attention(const Scope& at, ValueId n, const Shape& image, nn::Heads heads,
                       const SelfAttentionChanges& changes) {
  if (changes.is_identity) return nn::linear(at / "to_out.0", nn::linear(at / "to_v", n));
  if (changes.show) {
    at.builder().output("middle_q", nn::linear(at / "to_q", n));
    at.builder().output("middle_k", nn::linear(at / "to_k", n));
  }
  if (changes.merge) return merging_attention(at, n, heads, *changes.merge);
  if (changes.tiles == Tiles{}) return nn::attention(at, n, n, nn::kLdmAttention, heads);
  n = tile_by_tile(at.enter(), n, image, changes.tiles);
  n = nn::attention(at, n, n, nn::kLdmAttention, heads);
  return row_by_row(at.enter(), n, image, changes.tiles);
}

// Each part is added to the tokens that it saw.
ValueId transformer_block(const Scope& at, ValueId tokens, ValueId context, const Shape& image,
                          nn::Heads heads, const SelfAttentionChanges& changes) {
  auto add_to_tokens = [&](ValueId part) { tokens = ir::add(at.enter(), part, tokens); };
  ValueId n = nn::layer_norm(at / "norm1", tokens);
  add_to_tokens(self_attention(at / "attn1", n, image, heads, changes));
  n = nn::layer_norm(at / "norm2", tokens);
  add_to_tokens(nn::attention(at / "attn2", n, context, nn::kLdmAttention, heads));
  add_to_tokens(feed_forward(at / "ff", nn::layer_norm(at / "norm3", tokens)));
  return tokens;
}

}  // namespace

ValueId spatial_transformer(const Scope& at, ValueId x, ValueId context, nn::Heads heads,
                            const SelfAttentionChanges& changes) {
  ir::Builder& builder = at.builder();
  Shape image = builder.shape(x);
  ValueId h = nn::group_norm(at / "norm", x, kTransformerNormEps);
  h = ir::reshape(builder, h, Shape{image[0], image[1] * image[2], image[3]});
  h = nn::linear(at / "proj_in", h);
  const Shape inside{image[0], image[1], image[2], builder.shape(h)[2]};
  auto block = [&](int i) { return at / "transformer_blocks" / i; };
  for (int i = 0; block(i).has_any({"norm1.weight", "norm2.weight"}); ++i) {
    SelfAttentionChanges own = changes;
    own.show = changes.show && i == 0;
    h = transformer_block(block(i), h, context, inside, heads, own);
  }
  h = nn::linear(at / "proj_out", h);
  h = ir::reshape(at.enter(), h, image);
  return ir::add(builder, h, x);
}

}  // namespace obscura::models
