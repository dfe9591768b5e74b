#include "checkpoint/family.h"
#include "graph/node_registry.h"
#include "nodes/host_memory.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

constexpr std::int64_t kLatentChannels = checkpoint::kUsualLatents.channels;

Result<NodeResult> run_empty_latent_image(NodeCall& call) {
  const auto batch = call.get<std::int64_t>("batch_size");
  const auto height = call.get<std::int64_t>("height") / kPixelsOfALatent;
  const auto width = call.get<std::int64_t>("width") / kPixelsOfALatent;
  OBSCURA_TRY(check_fits(call, "a latent", {batch, kLatentChannels, height, width}));
  return NodeResult{
      latent_value({.samples = Tensor(Shape{batch, kLatentChannels, height, width})})};
}

const RegisterNode kEmptyLatentImage{
    NodeType("EmptyLatentImage")
        .label("Empty Latent Image")
        .category("latent")
        .description("Room for new images: a batch of empty latents for a sampler to fill.")
        .input(integer("width", 512).range(16, 16384).step(8).tooltip("In pixels."))
        .input(integer("height", 512).range(16, 16384).step(8).tooltip("In pixels."))
        .input(integer("batch_size", 1).range(1, 4096).tooltip("Images at once."))
        .output("LATENT", "", "The empty latents.")
        .run(run_empty_latent_image)};

}  // namespace
}  // namespace obscura::nodes
