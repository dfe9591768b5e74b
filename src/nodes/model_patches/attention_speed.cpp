// HyperTile and TomePatchModel: attention over fewer tokens.
#include <algorithm>

#include "graph/node_registry.h"
#include "models/unet/unet.h"
#include "nodes/changed.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::DiffusionModel;

Result<NodeResult> hyper_tile(NodeCall& call) {
  return changed_model(call, [&](DiffusionModel& model) {
    constexpr int kLeastPixels = 32;
    const int pixels = std::max(kLeastPixels, call.get<int>("tile_size"));
    model.patches.unet.hyper_tile =
        models::HyperTile{.tile = static_cast<int>(pixels / kPixelsOfALatent),
                          .choices = call.get<int>("swap_size"),
                          .max_depth = call.get<int>("max_depth"),
                          .scale_depth = call.get<bool>("scale_depth")};
  });
}

Result<NodeResult> merge_tokens(NodeCall& call) {
  const auto& given = call.get<DiffusionModel>("model");
  if (!models::attends_at_full_size(*given.weights)) {
    call.warn(
        given.file->name() +
        " does not attend at the size of the latent, where tokens are merged (SDXL does not): "
        "the node changes nothing");
  }
  return changed_model(call, [&](DiffusionModel& model) {
    model.patches.unet.token_merge = models::TokenMerge{.ratio = call.get<double>("ratio")};
  });
}

const RegisterNode kHyperTile{
    NodeType("HyperTile")
        .label("HyperTile")
        .category("model_patches/unet")
        .description("Lets the U-Net's attention see large images tile by tile, which is faster. "
                     "SDXL attends from max_depth 1 on.")
        .input(socket("model", "MODEL"))
        .input(integer("tile_size", 256).range(1, 2048))
        .input(integer("swap_size", 2).range(1, 128))
        .input(integer("max_depth", 0).range(0, 10))
        .input(toggle("scale_depth", false))
        .output("MODEL")
        .run(hyper_tile)};

const RegisterNode kTomePatchModel{
    NodeType("TomePatchModel")
        .label("TomePatchModel")
        .category("model_patches/unet")
        .description("Merges tokens that are much alike in the U-Net's largest self-attention, "
                     "which is faster, arXiv:2303.17604. SDXL has none of that size.")
        .input(socket("model", "MODEL"))
        .input(number("ratio", 0.3).range(0.0, 1.0).step(0.01))
        .output("MODEL")
        .run(merge_tokens)};

}  // namespace
}  // namespace obscura::nodes
