#include "models/vae/vae.h"

#include "models/vae/vae_blocks.h"
#include "nn/conv.h"
#include "nn/linear.h"

namespace obscura::models {
namespace {

using ir::ValueId;
using nn::Scope;

bool is_residual(const Scope& at) {
  return at.has_any({"norm1.weight", "conv1.weight"});
}

// The blocks `block.0`, `block.1`, … of a level.
ValueId vae_level(const Scope& at, ValueId x) {
  for (int j = 0; is_residual(at / "block" / j); ++j) x = vae_residual(at / "block" / j, x);
  return x;
}

// Halves an image. The zeros are only below and to the right, as in LDM, whose training fixed it.
ValueId vae_downsample(const Scope& at, ValueId x) {
  constexpr ir::Padding kBelowAndRight{.top = 0, .bottom = 1, .left = 0, .right = 1};
  return nn::conv2d(at / "conv", x, 2, kBelowAndRight);
}

ValueId vae_upsample(const Scope& at, ValueId x) {
  const Shape& s = at.builder().shape(x);
  return nn::conv2d(at / "conv", nn::upsample(at, x, 2 * s[1], 2 * s[2]));
}

ValueId optional_linear(const Scope& at, ValueId x) {
  return at.has("weight") ? nn::linear(at, x) : x;
}

Status check_size(std::int64_t batch, std::int64_t height, std::int64_t width,
                  std::int64_t multiple) {
  if (batch >= 1 && height >= 1 && width >= 1 && height % multiple == 0 && width % multiple == 0) {
    return {};
  }
  return Error(ErrorKind::kInvalidInput, "vae: sides of positive multiples of " +
                                             std::to_string(multiple) + " are wanted, got " +
                                             std::to_string(height) + "x" + std::to_string(width));
}

}  // namespace

Result<VaeDimensions> vae_dimensions(const ir::WeightIndex& weights) {
  ir::Builder builder("vae", weights);
  Scope root(builder);
  VaeDimensions d;
  d.image_channels = root.size("decoder.conv_out.weight", 0);
  d.latent_channels = root.size("decoder.conv_in.weight", 1);
  while (is_residual(root / "decoder.up" / d.levels / "block.0")) ++d.levels;
  // More would be a scale beyond any image.
  constexpr int kMaxLevels = 16;
  if (d.levels < 1 || d.levels > kMaxLevels) {
    builder.fail(Error(ErrorKind::kInvalidInput,
                       "decoder.up wants 1 to 16 levels, has " + std::to_string(d.levels)));
  }
  Result<ir::Graph> built = std::move(builder).finish();
  if (!built.ok()) return built.error();
  return d;
}

Result<ir::Graph> build_vae_decoder(const ir::WeightIndex& weights, std::int64_t batch,
                                    std::int64_t height, std::int64_t width) {
  OBSCURA_ASSIGN(VaeDimensions d, vae_dimensions(weights));
  OBSCURA_TRY(check_size(batch, height, width, 1));
  ir::Builder builder("vae decoder", weights);
  builder.set_wide_range();
  Scope root(builder), decoder = root / "decoder";
  ValueId x =
      builder.input("latent", {DType::kF32, Shape{batch, height, width, d.latent_channels}});
  x = optional_linear(root / "post_quant_conv", x);
  x = vae_middle(decoder / "mid", nn::conv2d(decoder / "conv_in", x));
  for (int i = d.levels - 1; i >= 0; --i) {
    Scope level = decoder / "up" / i;
    x = vae_level(level, x);
    if (i > 0) x = vae_upsample(level / "upsample", x);
  }
  builder.output("image", vae_end(decoder, x));
  return std::move(builder).finish();
}

Result<ir::Graph> build_vae_encoder(const ir::WeightIndex& weights, std::int64_t batch,
                                    std::int64_t height, std::int64_t width) {
  OBSCURA_ASSIGN(VaeDimensions d, vae_dimensions(weights));
  OBSCURA_TRY(check_size(batch, height, width, d.scale()));
  ir::Builder builder("vae encoder", weights);
  builder.set_wide_range();
  Scope root(builder), encoder = root / "encoder";
  ValueId x = builder.input("image", {DType::kF32, Shape{batch, height, width, d.image_channels}});
  x = nn::conv2d(encoder / "conv_in", x);
  for (int i = 0; i < d.levels; ++i) {
    Scope level = encoder / "down" / i;
    x = vae_level(level, x);
    if (i < d.levels - 1) x = vae_downsample(level / "downsample", x);
  }
  x = vae_end(encoder, vae_middle(encoder / "mid", x));
  builder.output("moments", optional_linear(root / "quant_conv", x));
  return std::move(builder).finish();
}

}  // namespace obscura::models
