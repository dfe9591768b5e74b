#include "models/vae/vae_blocks.h"

#include "ir/arithmetic.h"
#include "ir/shape_ops.h"
#include "nn/attention.h"
#include "nn/conv.h"
#include "nn/norm.h"

namespace obscura::models {
namespace {

using ir::ValueId;
using nn::Scope;

constexpr float kVaeNormEps = 1e-6f;

ValueId attention(const Scope& at, ValueId x) {
  ir::Builder& builder = at.builder();
  Shape image = builder.shape(x);
  ValueId h = nn::group_norm(at / "norm", x, kVaeNormEps);
  h = ir::reshape(builder, h, Shape{image[0], image[1] * image[2], image[3]});
  h = nn::attention(at, h, h, nn::kVaeAttention, nn::Heads::single());
  h = ir::reshape(at.enter(), h, image);
  return ir::add(builder, h, x);
}

}  // namespace

ValueId vae_residual(const Scope& at, ValueId x) {
  ValueId h = nn::conv2d(at / "conv1", nn::group_norm_silu(at / "norm1", x, kVaeNormEps));
  h = nn::conv2d(at / "conv2", nn::group_norm_silu(at / "norm2", h, kVaeNormEps));
  Scope shortcut = at / "nin_shortcut";
  if (shortcut.has("weight")) x = nn::conv2d(shortcut, x);
  return ir::add(at.enter(), h, x);
}

ValueId vae_middle(const Scope& at, ValueId x) {
  x = vae_residual(at / "block_1", x);
  x = attention(at / "attn_1", x);
  return vae_residual(at / "block_2", x);
}

ValueId vae_end(const Scope& at, ValueId x) {
  return nn::conv2d(at / "conv_out", nn::group_norm_silu(at / "norm_out", x, kVaeNormEps));
}

}  // namespace obscura::models
