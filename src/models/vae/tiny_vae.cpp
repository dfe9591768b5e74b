#include "models/vae/tiny_vae.h"

#include <vector>

#include "ir/activation.h"
#include "ir/arithmetic.h"
#include "nn/conv.h"

namespace obscura::models {
namespace {

using ir::ValueId;
using nn::Scope;

enum class TinyLayer { kNone, kConv, kResize, kBlock };

TinyLayer tiny_layer_at(const Scope& at) {
  if (at.has_any({"conv.0.weight", "conv.2.weight", "conv.4.weight"})) return TinyLayer::kBlock;
  if (!at.has("weight")) return TinyLayer::kNone;
  return at.has("bias") ? TinyLayer::kConv : TinyLayer::kResize;
}

// The places with tensors, in their order. Those between have none: ReLU, upsampling.
std::vector<int> tiny_layers(const Scope& root) {
  constexpr int kMostBetween = 2, kMost = 256;
  std::vector<int> places;
  for (int i = 0; i < kMost; ++i) {
    if (!places.empty() && i - places.back() > kMostBetween) break;
    if (places.empty() && i > kMostBetween) break;
    if (tiny_layer_at(root / i) != TinyLayer::kNone) places.push_back(i);
  }
  return places;
}

ValueId tiny_relu(ir::Builder& builder, ValueId x) {
  return ir::activation(builder, x, ir::Activation::kRelu);
}

ValueId tiny_block(const Scope& at, ValueId x) {
  ValueId h = tiny_relu(at.builder(), nn::conv2d(at / "conv.0", x));
  h = tiny_relu(at.builder(), nn::conv2d(at / "conv.2", h));
  h = nn::conv2d(at / "conv.4", h);
  const Scope skip = at / "skip";
  if (skip.has("weight")) x = nn::conv2d(skip, x);
  return tiny_relu(at.builder(), ir::add(at.enter(), h, x));
}

ValueId doubled(const Scope& at, ValueId x) {
  const Shape s = at.builder().shape(x);
  return nn::conv2d(at, nn::upsample(at, x, 2 * s[1], 2 * s[2]));
}

Status check_tiny_size(std::int64_t batch, std::int64_t height, std::int64_t width) {
  if (batch >= 1 && height >= 1 && width >= 1) return {};
  return Error(ErrorKind::kInvalidInput, "taesd: an image of at least one pixel is wanted");
}

}  // namespace

Result<VaeDimensions> tiny_vae_dimensions(const ir::WeightIndex& weights) {
  ir::Builder builder("taesd decoder", weights);
  Scope root(builder);
  const std::vector<int> layers = tiny_layers(root);
  VaeDimensions d;
  if (layers.size() < 2) {
    builder.fail(Error(ErrorKind::kInvalidInput, "layers by their numbers are wanted, none found"));
  } else {
    d.latent_channels = (root / layers.front()).size("weight", 1);
    d.image_channels = (root / layers.back()).size("weight", 0);
    d.levels = 1;
    for (int place : layers) d.levels += tiny_layer_at(root / place) == TinyLayer::kResize;
  }
  Result<ir::Graph> built = std::move(builder).finish();
  if (!built.ok()) return built.error();
  return d;
}

Result<ir::Graph> build_tiny_decoder(const ir::WeightIndex& weights, std::int64_t batch,
                                     std::int64_t height, std::int64_t width) {
  OBSCURA_ASSIGN(VaeDimensions d, tiny_vae_dimensions(weights));
  OBSCURA_TRY(check_tiny_size(batch, height, width));
  ir::Builder builder("taesd decoder", weights);
  Scope root(builder);
  ValueId x =
      builder.input("latent", {DType::kF32, Shape{batch, height, width, d.latent_channels}});
  bool first = true;
  for (int place : tiny_layers(root)) {
    const Scope at = root / place;
    switch (tiny_layer_at(at)) {
      case TinyLayer::kNone:
        break;
      case TinyLayer::kConv:
        x = nn::conv2d(at, x);
        if (first) x = tiny_relu(builder, x);
        break;
      case TinyLayer::kResize:
        x = doubled(at, x);
        break;
      case TinyLayer::kBlock:
        x = tiny_block(at, x);
        break;
    }
    first = false;
  }
  builder.output("image", x);
  return std::move(builder).finish();
}

Result<ir::Graph> build_tiny_encoder(const ir::WeightIndex& weights, std::int64_t batch,
                                     std::int64_t height, std::int64_t width) {
  OBSCURA_TRY(check_tiny_size(batch, height, width));
  ir::Builder builder("taesd encoder", weights);
  Scope root(builder);
  const std::vector<int> layers = tiny_layers(root);
  const std::int64_t channels = layers.empty() ? 0 : (root / layers.front()).size("weight", 1);
  if (channels < 1) {
    return Error(ErrorKind::kInvalidInput,
                 "taesd encoder: layers by their numbers are wanted, none found");
  }
  ValueId x = builder.input("image", {DType::kF32, Shape{batch, height, width, channels}});
  for (int place : layers) {
    const Scope at = root / place;
    switch (tiny_layer_at(at)) {
      case TinyLayer::kNone:
        break;
      case TinyLayer::kConv:
        x = nn::conv2d(at, x);
        break;
      case TinyLayer::kResize:
        x = nn::conv2d(at, x, 2, ir::Padding::same(1));
        break;
      case TinyLayer::kBlock:
        x = tiny_block(at, x);
        break;
    }
  }
  builder.output("latent", x);
  return std::move(builder).finish();
}

}  // namespace obscura::models
