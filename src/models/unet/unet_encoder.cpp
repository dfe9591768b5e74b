#include "models/unet/unet_encoder.h"

#include <cmath>
#include <cstdint>
#include <optional>

#include "ir/resize.h"
#include "nn/scope.h"

namespace obscura::models {
namespace {

using ir::ValueId;

ValueId shrunk(ir::Builder& builder, ValueId x, const DeepShrink& shrink) {
  const Shape& s = builder.shape(x);
  auto side = [&](std::int64_t length) {
    return static_cast<std::int64_t>(std::nearbyint(static_cast<double>(length) / shrink.factor));
  };
  return ir::resize(builder, x, side(s[1]), side(s[2]), shrink.down);
}

}  // namespace

UNetFeatures encode(UNetBlocks& blocks) {
  UNetFeatures features;
  const std::optional<DeepShrink>& shrink = blocks.changes().deep_shrink;
  const nn::Scope inputs = blocks.root() / "input_blocks";
  ValueId x = blocks.x();
  for (int i = 0; unet_layer_at(inputs / i / 0) != UNetLayer::kNone; ++i) {
    x = blocks.add(inputs / i, x);
    const bool shrinks = shrink && shrink->block == i;
    if (shrinks && !shrink->after_skip) x = shrunk(blocks.builder(), x, *shrink);
    features.skips.push_back(x);
    if (shrinks && shrink->after_skip) x = shrunk(blocks.builder(), x, *shrink);
  }
  features.middle = blocks.add(blocks.root() / "middle_block", x, {},
                               {.is_identity = blocks.changes().middle_attention_is_identity,
                                .tiles = {},
                                .show = blocks.changes().show_middle_attention});
  return features;
}

}  // namespace obscura::models
