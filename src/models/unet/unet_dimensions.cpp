// What the names and shapes of a file's tensors tell about a U-Net.
#include <string>
#include <utility>
#include <vector>

#include "models/unet/unet.h"
#include "models/unet/unet_blocks.h"
#include "nn/scope.h"

namespace obscura::models {
namespace {

using nn::Scope;

// All but out_channels.
UNetDimensions read_encoder(const Scope& root) {
  UNetDimensions d;
  d.model_channels = root.size("input_blocks.0.0.weight", 0);
  d.in_channels = root.size("input_blocks.0.0.weight", 1);
  if (root.has("label_emb.0.0.weight")) d.label_width = root.size("label_emb.0.0.weight", 1);
  auto read_context = [&](const Scope& layer) {
    Scope keys = layer / "transformer_blocks.0.attn2.to_k";
    if (unet_layer_at(layer) == UNetLayer::kTransformer) d.context_width = keys.size("weight", 1);
  };
  for (int i = 0; unet_layer_at(root / "input_blocks" / i / 0) != UNetLayer::kNone; ++i) {
    Scope block = root / "input_blocks" / i;
    if (unet_layer_at(block / 0) == UNetLayer::kDownsample) ++d.levels;
    read_context(block / 1);
  }
  read_context(root / "middle_block.1");
  return d;
}

Result<UNetDimensions> checked(UNetDimensions dimensions, ir::Builder builder) {
  Result<ir::Graph> built = std::move(builder).finish();
  if (!built.ok()) return built.error();
  return dimensions;
}

}  // namespace

Result<UNetDimensions> encoder_dimensions(const ir::WeightIndex& weights) {
  ir::Builder builder("unet encoder", weights);
  UNetDimensions d = read_encoder(Scope(builder));
  return checked(d, std::move(builder));
}

Result<UNetDimensions> unet_dimensions(const ir::WeightIndex& weights) {
  ir::Builder builder("unet", weights);
  Scope root(builder);
  UNetDimensions d = read_encoder(root);
  d.out_channels = root.size("out.2.weight", 0);
  return checked(d, std::move(builder));
}

std::vector<std::string> unet_transformers(const ir::WeightIndex& weights) {
  ir::Builder builder("unet", weights);
  Scope root(builder);
  std::vector<std::string> places;
  auto add_from = [&](const Scope& block) {
    for (int j = 0; unet_layer_at(block / j) != UNetLayer::kNone; ++j)
      if (unet_layer_at(block / j) == UNetLayer::kTransformer) places.push_back((block / j).path());
  };
  auto add_from_all = [&](const Scope& blocks) {
    for (int i = 0; unet_layer_at(blocks / i / 0) != UNetLayer::kNone; ++i) add_from(blocks / i);
  };
  add_from_all(root / "input_blocks");
  add_from(root / "middle_block");
  add_from_all(root / "output_blocks");
  return places;
}

bool attends_at_full_size(const ir::WeightIndex& weights) {
  ir::Builder builder("unet", weights);
  const Scope blocks = Scope(builder) / "input_blocks";
  for (int i = 0; unet_layer_at(blocks / i / 0) != UNetLayer::kNone; ++i) {
    for (int j = 0; unet_layer_at(blocks / i / j) != UNetLayer::kNone; ++j) {
      if (unet_layer_at(blocks / i / j) == UNetLayer::kTransformer) return true;
      if (unet_layer_at(blocks / i / j) == UNetLayer::kDownsample) return false;
    }
  }
  return false;
}

}  // namespace obscura::models
