#include "models/unet/unet_blocks.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "ir/activation.h"
#include "ir/arithmetic.h"
#include "ir/embedding.h"
#include "models/unet/hyper_tile.h"
#include "nn/conv.h"
#include "nn/linear.h"
#include "nn/norm.h"

namespace obscura::models {
namespace {

using ir::ValueId;
using nn::Scope;

// Linear, SiLU, linear at places `first` and `second`.
ValueId embed(const Scope& first, const Scope& second, ValueId x) {
  ValueId h = nn::linear(first, x);
  return nn::linear(second, ir::activation(first.builder(), h, ir::Activation::kSilu));
}

}  // namespace

UNetLayer unet_layer_at(const Scope& at) {
  if (at.has_any({"in_layers.0.weight", "in_layers.2.weight"})) return UNetLayer::kResidual;
  if (at.has_any({"proj_in.weight", "proj_out.weight"})) return UNetLayer::kTransformer;
  if (at.has_any({"op.weight", "op.bias"})) return UNetLayer::kDownsample;
  if (at.has_any({"conv.weight", "conv.bias"})) return UNetLayer::kUpsample;
  if (at.has_any({"weight", "bias"})) return UNetLayer::kConv;
  return UNetLayer::kNone;
}

UNetBlocks::UNetBlocks(Scope root, const UNetConfig& config, const UNetDimensions& dimensions,
                       const UNetCall& call)
    : root_(std::move(root)), config_(config), dimensions_(dimensions), call_(call) {
  x_ = builder().input(
      "x", {DType::kF32, Shape{call.batch, call.height, call.width, dimensions.in_channels}});
  condition_ = condition();
  if (dimensions.context_width > 0) {
    context_ = builder().steady_input(
        "context", {DType::kF32, Shape{call.batch, call.tokens, dimensions.context_width}});
  }
}

ValueId UNetBlocks::condition() {
  ValueId timestep = builder().input("timestep", {DType::kF32, Shape{call_.batch}});
  Scope time = root_ / "time_embed";
  time.enter();
  ValueId e = ir::sinusoid(builder(), timestep, static_cast<int>(dimensions_.model_channels));
  e = embed(time / 0, time / 2, e);
  if (dimensions_.label_width > 0) {
    ValueId y =
        builder().steady_input("y", {DType::kF32, Shape{call_.batch, dimensions_.label_width}});
    Scope label = root_ / "label_emb.0";
    ValueId labelled = embed(label / 0, label / 2, y);
    e = ir::add(root_.enter(), e, labelled);
  }
  return ir::activation(root_.enter(), e, ir::Activation::kSilu);
}

ValueId UNetBlocks::residual(const Scope& at, ValueId x) {
  ValueId h =
      nn::conv2d(at / "in_layers.2", nn::group_norm_silu(at / "in_layers.0", x, kUNetNormEps));
  ValueId e = nn::linear(at / "emb_layers.1", condition_);
  h = ir::add(at.enter(), h, e);
  h = nn::conv2d(at / "out_layers.3", nn::group_norm_silu(at / "out_layers.0", h, kUNetNormEps));
  Scope shortcut = at / "skip_connection";
  if (shortcut.has("weight")) x = nn::conv2d(shortcut, x);
  return ir::add(at.enter(), h, x);
}

std::optional<ir::MatchTokensOp::Options> UNetBlocks::merging(const Shape& image,
                                                              int number) const {
  const std::int64_t height = call_.height, width = call_.width;
  if (!changes().token_merge || image[1] != height || image[2] != width) return std::nullopt;
  const auto wanted =
      static_cast<std::int64_t>(static_cast<double>(height * width) * changes().token_merge->ratio);
  const std::int64_t merged = std::min(wanted, ir::mergeable_tokens(height, width));
  if (merged == 0) return std::nullopt;
  return ir::MatchTokensOp::Options{.height = height,
                                    .width = width,
                                    .merged = merged,
                                    .draw = static_cast<std::uint32_t>(number)};
}

ValueId UNetBlocks::transformer(const Scope& at, ValueId x, SelfAttentionChanges attention) {
  if (context_ == ir::kNoValue) {
    builder().fail(
        Error(ErrorKind::kInvalidInput, at.path() + " attends to a context, input_blocks do not"));
    return x;
  }
  const int number = transformers_++;
  const std::vector<std::string>& skipped = changes().skipped;
  if (std::find(skipped.begin(), skipped.end(), at.path()) != skipped.end()) return x;
  if (changes().hyper_tile) {
    const Shape& s = builder().shape(x);
    const std::int64_t widening =
        s[3] % dimensions_.model_channels == 0 ? s[3] / dimensions_.model_channels : 0;
    attention.tiles = hyper_tiles(*changes().hyper_tile, s[1], s[2], widening, number);
  }
  if (attention.tiles == Tiles{}) attention.merge = merging(builder().shape(x), number);
  return spatial_transformer(at, x, context_, config_.heads, attention);
}

ValueId UNetBlocks::add(const Scope& at, ValueId x, const Shape& skip,
                        const SelfAttentionChanges& attention) {
  for (int j = 0;; ++j) {
    Scope layer = at / j;
    switch (unet_layer_at(layer)) {
      case UNetLayer::kNone:
        return x;
      case UNetLayer::kResidual:
        x = residual(layer, x);
        break;
      case UNetLayer::kTransformer:
        x = transformer(layer, x, attention);
        break;
      case UNetLayer::kDownsample:
        x = nn::conv2d(layer / "op", x, 2, ir::Padding::same(1));
        break;
      case UNetLayer::kUpsample:
        x = nn::conv2d(layer / "conv", nn::upsample(layer, x, skip[1], skip[2]));
        break;
      case UNetLayer::kConv:
        x = nn::conv2d(layer, x);
        break;
    }
  }
}

}  // namespace obscura::models
