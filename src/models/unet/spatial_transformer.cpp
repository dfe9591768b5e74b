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

ValueId self_attention(const Scope& at, ValueId n, nn::Heads heads,
                       const SelfAttentionChanges& changes) {
  if (changes.is_identity) return nn::linear(at / "to_out.0", nn::linear(at / "to_v", n));
  if (changes.show) {
    at.builder().output("middle_q", nn::linear(at / "to_q", n));
    at.builder().output("middle_k", nn::linear(at / "to_k", n));
  }
  return nn::attention(at, n, n, nn::kLdmAttention, heads);
}

// Each part is added to the tokens that it saw.
ValueId transformer_block(const Scope& at, ValueId tokens, ValueId context, nn::Heads heads,
                          const SelfAttentionChanges& changes) {
  auto add_to_tokens = [&](ValueId part) { tokens = ir::add(at.enter(), part, tokens); };
  ValueId n = nn::layer_norm(at / "norm1", tokens);
  add_to_tokens(self_attention(at / "attn1", n, heads, changes));
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
  auto block = [&](int i) { return at / "transformer_blocks" / i; };
  for (int i = 0; block(i).has_any({"norm1.weight", "norm2.weight"}); ++i) {
    const bool show = changes.show && i == 0;
    h = transformer_block(block(i), h, context, heads, {changes.is_identity, show});
  }
  h = nn::linear(at / "proj_out", h);
  h = ir::reshape(at.enter(), h, image);
  return ir::add(builder, h, x);
}

}  // namespace obscura::models
