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
constexpr float kNormEps = 1e-6f;

ValueId feed_forward(const Scope& at, ValueId x) {
  Scope gate = at / "net.0";
  ValueId h = nn::linear(gate / "proj", x);
  h = ir::geglu(gate.enter(), h);
  return nn::linear(at / "net.2", h);
}

// Each part is added to the tokens that it saw.
ValueId transformer_block(const Scope& at, ValueId tokens, ValueId context, nn::Heads heads) {
  auto add_to_tokens = [&](ValueId part) { tokens = ir::add(at.enter(), part, tokens); };
  ValueId n = nn::layer_norm(at / "norm1", tokens);
  add_to_tokens(nn::attention(at / "attn1", n, n, nn::kLdmAttention, heads));
  n = nn::layer_norm(at / "norm2", tokens);
  add_to_tokens(nn::attention(at / "attn2", n, context, nn::kLdmAttention, heads));
  add_to_tokens(feed_forward(at / "ff", nn::layer_norm(at / "norm3", tokens)));
  return tokens;
}

}  // namespace

ValueId spatial_transformer(const Scope& at, ValueId x, ValueId context, nn::Heads heads) {
  ir::Builder& builder = at.builder();
  Shape image = builder.shape(x);
  ValueId h = nn::group_norm(at / "norm", x, kNormEps);
  h = ir::reshape(builder, h, Shape{image[0], image[1] * image[2], image[3]});
  h = nn::linear(at / "proj_in", h);
  auto block = [&](int i) { return at / "transformer_blocks" / i; };
  for (int i = 0; block(i).has_any({"norm1.weight", "norm2.weight"}); ++i) {
    h = transformer_block(block(i), h, context, heads);
  }
  h = nn::linear(at / "proj_out", h);
  h = ir::reshape(at.enter(), h, image);
  return ir::add(builder, h, x);
}

}  // namespace obscura::models
