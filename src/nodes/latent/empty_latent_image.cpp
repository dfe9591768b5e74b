#include "graph/node_registry.h"
#include "nodes/host_memory.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

constexpr std::int64_t kChannels = 4, kPixels = 8;  // of SDXL's latents and its VAE's factor

Result<NodeResult> run_empty_latent_image(NodeCall& call) {
  const auto batch = call.get<std::int64_t>("batch_size");
  const auto height = call.get<std::int64_t>("height") / kPixels;
  const auto width = call.get<std::int64_t>("width") / kPixels;
  OBSCURA_TRY(check_fits(call, "a latent", {batch, kChannels, height, width}));
  return NodeResult{latent_value({.samples = Tensor(Shape{batch, kChannels, height, width})})};
}

const RegisterNode kEmptyLatentImageRegistered{
    NodeType("EmptyLatentImage")
        .label("Empty Latent Image")
        .category("latent")
        .description("Room for new pictures: a batch of empty latents for a sampler to fill.")
        .input(integer("width", 512).range(16, 16384).step(8).tooltip("In pixels."))
        .input(integer("height", 512).range(16, 16384).step(8).tooltip("In pixels."))
        .input(integer("batch_size", 1).range(1, 4096).tooltip("Pictures at once."))
        .output("LATENT", "", "The empty latents.")
        .run(run_empty_latent_image)};

}  // namespace
}  // namespace obscura::nodes
