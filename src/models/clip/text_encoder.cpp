#include "models/clip/text_encoder.h"

#include <algorithm>
#include <string>

#include "ir/arithmetic.h"
#include "ir/embedding.h"
#include "ir/linear.h"
#include "ir/shape_ops.h"
#include "nn/attention.h"
#include "nn/linear.h"
#include "nn/norm.h"

namespace obscura::models {
namespace {

using ir::ValueId;
using nn::Scope;

constexpr nn::Heads kHeads{.count = 0, .size = 64, .causal = true};

// Two programs' names for the same parts.
struct Naming {
  std::string_view token_embedding, position_embedding;  // tensors
  std::string_view layers, norm1, attention, norm2, mlp_in, mlp_out, final_norm;
  bool merged_attention;
};

constexpr Naming kHuggingFace{
    .token_embedding = "text_model.embeddings.token_embedding.weight",
    .position_embedding = "text_model.embeddings.position_embedding.weight",
    .layers = "text_model.encoder.layers",
    .norm1 = "layer_norm1",
    .attention = "self_attn",
    .norm2 = "layer_norm2",
    .mlp_in = "mlp.fc1",
    .mlp_out = "mlp.fc2",
    .final_norm = "text_model.final_layer_norm",
    .merged_attention = false,
};

constexpr Naming kOpenClip{
    .token_embedding = "token_embedding.weight",
    .position_embedding = "positional_embedding",
    .layers = "transformer.resblocks",
    .norm1 = "ln_1",
    .attention = "attn",
    .norm2 = "ln_2",
    .mlp_in = "mlp.c_fc",
    .mlp_out = "mlp.c_proj",
    .final_norm = "ln_final",
    .merged_attention = true,
};

const Naming& naming_of(const Scope& root) {
  return root.has(kOpenClip.token_embedding) ? kOpenClip : kHuggingFace;
}

Scope layer_scope(const Scope& root, const Naming& naming, int index) {
  return root / naming.layers / index;
}

int count_layers(const Scope& root, const Naming& naming) {
  auto exists = [&](int index) {
    Scope at = layer_scope(root, naming, index);
    return (at / naming.norm1).has("weight") || (at / naming.norm2).has("weight");
  };
  int layers = 0;
  while (exists(layers)) ++layers;
  return layers;
}

// `offset` may be kNoValue.
ValueId embed_tokens(const Scope& root, const Naming& naming, ValueId ids, ValueId offset) {
  (root / naming.token_embedding).enter();
  ir::Builder& builder = root.builder();
  ValueId tokens = ir::embedding(builder, ids, root.weight(naming.token_embedding));
  if (offset != ir::kNoValue) tokens = ir::add(builder, tokens, offset);
  (root / naming.position_embedding).enter();
  return ir::add(builder, tokens, root.weight(naming.position_embedding));
}

ValueId layer(const Scope& at, const Naming& naming, ir::Activation activation, ValueId x) {
  ValueId n = nn::layer_norm(at / naming.norm1, x);
  Scope attention = at / naming.attention;
  ValueId h = naming.merged_attention
                  ? nn::merged_self_attention(attention, n, kHeads)
                  : nn::attention(attention, n, n, nn::kHuggingFaceAttention, kHeads);
  x = ir::add(at.enter(), h, x);
  h = nn::linear(at / naming.mlp_in, nn::layer_norm(at / naming.norm2, x));
  h = nn::linear(at / naming.mlp_out, ir::activation(at.builder(), h, activation));
  return ir::add(at.enter(), h, x);
}

// OpenCLIP stores the projection as a matrix that is multiplied from the right; files converted by
// other programs hold a linear layer instead. CLIP-L in these files has none.
ValueId project(const Scope& root, ValueId x) {
  Scope at = root / "text_projection";
  if (root.has("text_projection")) {
    return ir::linear_in_by_out(at.enter(), x, root.weight("text_projection"));
  }
  return at.has("weight") ? nn::linear(at, x) : x;
}

std::int64_t projection_width(const Scope& root, std::int64_t width) {
  if (root.has("text_projection")) return root.size("text_projection", 1);
  return root.has("text_projection.weight") ? root.size("text_projection.weight", 0) : width;
}

}  // namespace

Result<TextEncoderDimensions> text_encoder_dimensions(const ir::WeightIndex& weights) {
  ir::Builder builder("text encoder", weights);
  Scope root(builder);
  const Naming& naming = naming_of(root);
  TextEncoderDimensions d;
  d.layers = count_layers(root, naming);
  d.vocabulary = root.size(naming.token_embedding, 0);
  d.width = root.size(naming.token_embedding, 1);
  d.tokens = root.size(naming.position_embedding, 0);
  d.projection = projection_width(root, d.width);
  Result<ir::Graph> built = std::move(builder).finish();
  if (!built.ok()) return built.error();
  return d;
}

Result<ir::Graph> build_text_encoder(const ir::WeightIndex& weights,
                                     const TextEncoderConfig& config, const TextEncoderCall& call) {
  OBSCURA_ASSIGN(TextEncoderDimensions d, text_encoder_dimensions(weights));
  const int layers = d.layers + config.dropped_layers;
  if (call.batch < 1 || call.stop_at_layer >= 0 || call.stop_at_layer < -layers) {
    return Error(ErrorKind::kInvalidInput, "text encoder: stop_at_layer wants -1 to -" +
                                               std::to_string(layers) + ", got " +
                                               std::to_string(call.stop_at_layer));
  }
  ir::Builder builder("text encoder", weights);
  Scope root(builder);
  const Naming& naming = naming_of(root);
  const int last = std::min(layers + call.stop_at_layer, d.layers - 1);

  ValueId ids = builder.input("ids", {DType::kI32, Shape{call.batch, d.tokens}});
  ValueId offset = ir::kNoValue;
  if (call.offset)
    offset = builder.input("offset", {DType::kF32, Shape{call.batch, d.tokens, d.width}});
  ValueId x = embed_tokens(root, naming, ids, offset);
  ValueId hidden = ir::kNoValue;
  for (int i = 0; i < (call.pooled ? d.layers : last + 1); ++i) {
    x = layer(layer_scope(root, naming, i), naming, config.activation, x);
    if (i == last) hidden = x;
  }
  if (config.normalise_hidden) hidden = nn::layer_norm(root / naming.final_norm, hidden);
  builder.output("hidden", hidden);
  if (call.pooled) {
    ValueId eos = builder.input("eos", {DType::kI32, Shape{call.batch}});
    (root / naming.final_norm).enter();
    // One token is normalised, not 77: LayerNorm knows no neighbours.
    ValueId end = nn::layer_norm(root / naming.final_norm, ir::select_token(builder, x, eos));
    builder.output("pooled", project(root, end));
  }
  return std::move(builder).finish();
}

}  // namespace obscura::models
