#include "models/unet/unet.h"

#include <cstdint>
#include <utility>

#include "ir/free_u.h"
#include "ir/resize.h"
#include "ir/shape_ops.h"
#include "models/unet/unet_blocks.h"
#include "models/unet/unet_encoder.h"
#include "nn/conv.h"
#include "nn/norm.h"

namespace obscura::models {
namespace {

using ir::ValueId;
using nn::Scope;

// What an output block joins: the features so far and what an input block handed over.
ValueId joined(const UNetBlocks& blocks, const Scope& at, ValueId x, ValueId skip) {
  ir::Builder& builder = blocks.builder();
  if (const auto& shrink = blocks.changes().deep_shrink) {
    const Shape wanted = builder.shape(skip), found = builder.shape(x);
    if (wanted[1] != found[1] || wanted[2] != found[2])
      x = ir::resize(at.enter(), x, wanted[1], wanted[2], shrink->up);
  }
  if (const auto& free_u = blocks.changes().free_u) {
    const std::int64_t level = builder.shape(x)[3] / blocks.dimensions().model_channels;
    if (level == 4 || level == 2) {
      x = ir::strengthen(at.enter(), x, level == 4 ? free_u->b1 : free_u->b2, free_u->version_2);
      skip = ir::scale_low_frequencies(builder, skip, level == 4 ? free_u->s1 : free_u->s2);
    }
  }
  return ir::concat(at.enter(), x, skip);
}

// The other half: from the encoder's features to what the network predicts.
ValueId decode(UNetBlocks& blocks, UNetFeatures features) {
  ir::Builder& builder = blocks.builder();
  const Scope outputs = blocks.root() / "output_blocks", out = blocks.root() / "out";
  auto& skips = features.skips;
  ValueId x = features.middle;
  for (int i = 0; unet_layer_at(outputs / i / 0) != UNetLayer::kNone; ++i) {
    Scope at = outputs / i;
    if (skips.empty()) {
      builder.fail(Error(ErrorKind::kInvalidInput, at.path() + " has no input block to join"));
      return ir::kNoValue;
    }
    x = joined(blocks, at, x, skips.back());
    skips.pop_back();
    x = blocks.add(at, x, skips.empty() ? Shape{} : builder.shape(skips.back()));
  }
  return nn::conv2d(out / 2, nn::group_norm_silu(out / 0, x, kUNetNormEps));
}

}  // namespace

Result<ir::Graph> build_unet(const ir::WeightIndex& weights, const UNetConfig& config,
                             const UNetCall& call) {
  if (call.batch < 1 || call.height < 1 || call.width < 1 || call.tokens < 1) {
    return Error(ErrorKind::kInvalidInput, "unet: a latent of at least one pixel is wanted");
  }
  OBSCURA_ASSIGN(UNetDimensions dimensions, unet_dimensions(weights));
  ir::Builder builder("unet", weights);
  UNetBlocks blocks(Scope(builder), config, dimensions, call);
  builder.output("eps", decode(blocks, encode(blocks)));
  return std::move(builder).finish();
}

}  // namespace obscura::models
