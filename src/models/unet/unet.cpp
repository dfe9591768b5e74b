#include "models/unet/unet.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "ir/activation.h"
#include "ir/arithmetic.h"
#include "ir/embedding.h"
#include "ir/free_u.h"
#include "ir/resize.h"
#include "ir/shape_ops.h"
#include "models/unet/spatial_transformer.h"
#include "nn/conv.h"
#include "nn/linear.h"
#include "nn/norm.h"

namespace obscura::models {
namespace {

using ir::ValueId;
using nn::Scope;

constexpr float kNormEps = 1e-5f;

// What a place of a block is, by the tensors it holds.
enum class Layer { kNone, kResidual, kTransformer, kDownsample, kUpsample, kConv };

Layer layer_at(const Scope& at) {
  if (at.has_any({"in_layers.0.weight", "in_layers.2.weight"})) return Layer::kResidual;
  if (at.has_any({"proj_in.weight", "proj_out.weight"})) return Layer::kTransformer;
  if (at.has_any({"op.weight", "op.bias"})) return Layer::kDownsample;
  if (at.has_any({"conv.weight", "conv.bias"})) return Layer::kUpsample;
  if (at.has_any({"weight", "bias"})) return Layer::kConv;
  return Layer::kNone;
}

// Linear, SiLU, linear at places `first` and `second`.
ValueId embed(const Scope& first, const Scope& second, ValueId x) {
  ValueId h = nn::linear(first, x);
  return nn::linear(second, ir::activation(first.builder(), h, ir::Activation::kSilu));
}

class UNetBuilder {
 public:
  UNetBuilder(Scope root, const UNetConfig& config, const UNetDimensions& dimensions,
              const UNetChanges& changes)
      : root_(std::move(root)), config_(config), dimensions_(dimensions), changes_(changes) {}

  void build(const UNetCall& call);

 private:
  // The condition of every residual block, SiLU applied: once for all of them.
  ValueId condition(const UNetCall& call);
  ValueId residual(const Scope& at, ValueId x);
  ValueId transformer(const Scope& at, ValueId x, SelfAttentionChanges attention);
  // What token merging does in the `number`-th transformer, whose tokens are such an image.
  std::optional<ir::MatchTokensOp::Options> merging(const Shape& image, int number) const;
  // The layers of one entry of input_blocks, middle_block or output_blocks in their order. An
  // upsampling layer returns to the size of `skip`.
  ValueId block(const Scope& at, ValueId x, const Shape& skip,
                const SelfAttentionChanges& attention = {});
  // What an output block joins: the features so far and what an input block handed over.
  ValueId joined(const Scope& at, ValueId x, ValueId skip);
  ValueId shrunk(ValueId x);

  ir::Builder& builder() const { return root_.builder(); }

  Scope root_;
  const UNetConfig& config_;
  const UNetDimensions& dimensions_;
  const UNetChanges& changes_;
  ValueId condition_ = ir::kNoValue;     // (N, embedding)
  ValueId context_ = ir::kNoValue;       // (N, T, context_width)
  std::int64_t height_ = 0, width_ = 0;  // of the latent
  int transformers_ = 0;                 // so far
};

ValueId UNetBuilder::condition(const UNetCall& call) {
  ValueId timestep = builder().input("timestep", {DType::kF32, Shape{call.batch}});
  Scope time = root_ / "time_embed";
  time.enter();
  ValueId e = ir::sinusoid(builder(), timestep, static_cast<int>(dimensions_.model_channels));
  e = embed(time / 0, time / 2, e);
  if (dimensions_.label_width > 0) {
    ValueId y =
        builder().steady_input("y", {DType::kF32, Shape{call.batch, dimensions_.label_width}});
    Scope label = root_ / "label_emb.0";
    ValueId labelled = embed(label / 0, label / 2, y);
    e = ir::add(root_.enter(), e, labelled);
  }
  return ir::activation(root_.enter(), e, ir::Activation::kSilu);
}

ValueId UNetBuilder::residual(const Scope& at, ValueId x) {
  ValueId h = nn::conv2d(at / "in_layers.2", nn::group_norm_silu(at / "in_layers.0", x, kNormEps));
  ValueId e = nn::linear(at / "emb_layers.1", condition_);
  h = ir::add(at.enter(), h, e);
  h = nn::conv2d(at / "out_layers.3", nn::group_norm_silu(at / "out_layers.0", h, kNormEps));
  Scope shortcut = at / "skip_connection";
  if (shortcut.has("weight")) x = nn::conv2d(shortcut, x);
  return ir::add(at.enter(), h, x);
}

ValueId UNetBuilder::shrunk(ValueId x) {
  const Shape& s = builder().shape(x);
  auto side = [&](std::int64_t length) {
    return static_cast<std::int64_t>(
        std::nearbyint(static_cast<double>(length) / changes_.deep_shrink->factor));
  };
  return ir::resize(builder(), x, side(s[1]), side(s[2]), changes_.deep_shrink->down);
}

ValueId UNetBuilder::joined(const Scope& at, ValueId x, ValueId skip) {
  if (changes_.deep_shrink) {
    const Shape wanted = builder().shape(skip), found = builder().shape(x);
    if (wanted[1] != found[1] || wanted[2] != found[2])
      x = ir::resize(at.enter(), x, wanted[1], wanted[2], changes_.deep_shrink->up);
  }
  if (changes_.free_u) {
    const FreeU& free_u = *changes_.free_u;
    const std::int64_t level = builder().shape(x)[3] / dimensions_.model_channels;
    if (level == 4 || level == 2) {
      x = ir::strengthen(at.enter(), x, level == 4 ? free_u.b1 : free_u.b2, free_u.version_2);
      skip = ir::scale_low_frequencies(builder(), skip, level == 4 ? free_u.s1 : free_u.s2);
    }
  }
  return ir::concat(at.enter(), x, skip);
}

std::optional<ir::MatchTokensOp::Options> UNetBuilder::merging(const Shape& image,
                                                               int number) const {
  if (!changes_.token_merge || image[1] != height_ || image[2] != width_) return std::nullopt;
  const auto wanted = static_cast<std::int64_t>(static_cast<double>(height_ * width_) *
                                                changes_.token_merge->ratio);
  const std::int64_t merged = std::min(wanted, ir::mergeable_tokens(height_, width_));
  if (merged == 0) return std::nullopt;
  return ir::MatchTokensOp::Options{.height = height_,
                                    .width = width_,
                                    .merged = merged,
                                    .draw = static_cast<std::uint32_t>(number)};
}

ValueId UNetBuilder::transformer(const Scope& at, ValueId x, SelfAttentionChanges attention) {
  const int number = transformers_++;
  const std::vector<std::string>& skipped = changes_.skipped;
  if (std::find(skipped.begin(), skipped.end(), at.path()) != skipped.end()) return x;
  if (changes_.hyper_tile) {
    const Shape& s = builder().shape(x);
    const std::int64_t widening =
        s[3] % dimensions_.model_channels == 0 ? s[3] / dimensions_.model_channels : 0;
    attention.tiles = hyper_tiles(*changes_.hyper_tile, s[1], s[2], widening, number);
  }
  if (attention.tiles == Tiles{}) attention.merge = merging(builder().shape(x), number);
  return spatial_transformer(at, x, context_, config_.heads, attention);
}

ValueId UNetBuilder::block(const Scope& at, ValueId x, const Shape& skip,
                           const SelfAttentionChanges& attention) {
  for (int j = 0;; ++j) {
    Scope layer = at / j;
    switch (layer_at(layer)) {
      case Layer::kNone:
        return x;
      case Layer::kResidual:
        x = residual(layer, x);
        break;
      case Layer::kTransformer:
        if (context_ == ir::kNoValue) {
          builder().fail(Error(ErrorKind::kInvalidInput,
                               layer.path() + " attends to a context, input_blocks do not"));
          return x;
        }
        x = transformer(layer, x, attention);
        break;
      case Layer::kDownsample:
        x = nn::conv2d(layer / "op", x, 2, ir::Padding::same(1));
        break;
      case Layer::kUpsample:
        x = nn::conv2d(layer / "conv", nn::upsample(layer, x, skip[1], skip[2]));
        break;
      case Layer::kConv:
        x = nn::conv2d(layer, x);
        break;
    }
  }
}

void UNetBuilder::build(const UNetCall& call) {
  height_ = call.height;
  width_ = call.width;
  ValueId x = builder().input(
      "x", {DType::kF32, Shape{call.batch, call.height, call.width, dimensions_.in_channels}});
  condition_ = condition(call);
  if (dimensions_.context_width > 0) {
    context_ = builder().steady_input(
        "context", {DType::kF32, Shape{call.batch, call.tokens, dimensions_.context_width}});
  }
  std::vector<ValueId> skips;
  for (int i = 0; layer_at(root_ / "input_blocks" / i / 0) != Layer::kNone; ++i) {
    x = block(root_ / "input_blocks" / i, x, {});
    const bool shrink = changes_.deep_shrink && changes_.deep_shrink->block == i;
    if (shrink && !changes_.deep_shrink->after_skip) x = shrunk(x);
    skips.push_back(x);
    if (shrink && changes_.deep_shrink->after_skip) x = shrunk(x);
  }
  x = block(root_ / "middle_block", x, {},
            {.is_identity = changes_.middle_attention_is_identity,
             .tiles = {},
             .show = changes_.show_middle_attention});
  for (int i = 0; layer_at(root_ / "output_blocks" / i / 0) != Layer::kNone; ++i) {
    Scope at = root_ / "output_blocks" / i;
    if (skips.empty()) {
      builder().fail(Error(ErrorKind::kInvalidInput, at.path() + " has no input block to join"));
      return;
    }
    x = joined(at, x, skips.back());
    skips.pop_back();
    x = block(at, x, skips.empty() ? Shape{} : builder().shape(skips.back()));
  }
  x = nn::conv2d(root_ / "out.2", nn::group_norm_silu(root_ / "out.0", x, kNormEps));
  builder().output("eps", x);
}

}  // namespace

Result<UNetDimensions> unet_dimensions(const ir::WeightIndex& weights) {
  ir::Builder builder("unet", weights);
  Scope root(builder);
  UNetDimensions d;
  d.model_channels = root.size("input_blocks.0.0.weight", 0);
  d.in_channels = root.size("input_blocks.0.0.weight", 1);
  d.out_channels = root.size("out.2.weight", 0);
  if (root.has("label_emb.0.0.weight")) d.label_width = root.size("label_emb.0.0.weight", 1);
  auto read_context = [&](const Scope& layer) {
    Scope keys = layer / "transformer_blocks.0.attn2.to_k";
    if (layer_at(layer) == Layer::kTransformer) d.context_width = keys.size("weight", 1);
  };
  for (int i = 0; layer_at(root / "input_blocks" / i / 0) != Layer::kNone; ++i) {
    Scope block = root / "input_blocks" / i;
    if (layer_at(block / 0) == Layer::kDownsample) ++d.levels;
    read_context(block / 1);
  }
  read_context(root / "middle_block.1");
  Result<ir::Graph> built = std::move(builder).finish();
  if (!built.ok()) return built.error();
  return d;
}

std::vector<std::string> unet_transformers(const ir::WeightIndex& weights) {
  ir::Builder builder("unet", weights);
  Scope root(builder);
  std::vector<std::string> places;
  auto add_from = [&](const Scope& block) {
    for (int j = 0; layer_at(block / j) != Layer::kNone; ++j)
      if (layer_at(block / j) == Layer::kTransformer) places.push_back((block / j).path());
  };
  auto add_from_all = [&](const Scope& blocks) {
    for (int i = 0; layer_at(blocks / i / 0) != Layer::kNone; ++i) add_from(blocks / i);
  };
  add_from_all(root / "input_blocks");
  add_from(root / "middle_block");
  add_from_all(root / "output_blocks");
  return places;
}

bool attends_at_full_size(const ir::WeightIndex& weights) {
  ir::Builder builder("unet", weights);
  const Scope blocks = Scope(builder) / "input_blocks";
  for (int i = 0; layer_at(blocks / i / 0) != Layer::kNone; ++i) {
    for (int j = 0; layer_at(blocks / i / j) != Layer::kNone; ++j) {
      if (layer_at(blocks / i / j) == Layer::kTransformer) return true;
      if (layer_at(blocks / i / j) == Layer::kDownsample) return false;
    }
  }
  return false;
}

Result<ir::Graph> build_unet(const ir::WeightIndex& weights, const UNetConfig& config,
                             const UNetCall& call) {
  if (call.batch < 1 || call.height < 1 || call.width < 1 || call.tokens < 1) {
    return Error(ErrorKind::kInvalidInput, "unet: a latent of at least one pixel is wanted");
  }
  OBSCURA_ASSIGN(UNetDimensions dimensions, unet_dimensions(weights));
  ir::Builder builder("unet", weights);
  UNetBuilder(Scope(builder), config, dimensions, call.changes).build(call);
  return std::move(builder).finish();
}

}  // namespace obscura::models
