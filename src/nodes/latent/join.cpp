// LatentConcat and LatentCut.
#include <algorithm>

#include "graph/node_registry.h"
#include "image/raster.h"
#include "nodes/latent/latent_with.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::Latent;

// ComfyUI's names of a latent's axes; t, the frames of a video, is the channels of a still.
int axis_of(const std::string& dim) {
  return dim.ends_with('x') ? 3 : dim.ends_with('y') ? 2 : 1;
}

Result<NodeResult> latent_concat(NodeCall& call) {
  const auto& dim = call.get<std::string>("dim");
  const Tensor& first = call.get<Latent>("samples1").samples;
  const Tensor second = image::repeated_to(call.get<Latent>("samples2").samples, first.shape()[0]);
  const int axis = axis_of(dim);
  for (int i = 1; i < 4; ++i) {
    if (i == axis || first.shape()[i] == second.shape()[i]) continue;
    return Error(ErrorKind::kInvalidInput, "wanted latents that differ only along " + dim +
                                               ", found " + first.shape().text() + " and " +
                                               second.shape().text());
  }
  bool reversed = dim.starts_with('-');
  return latent_with(call.get<Latent>("samples1"),
                     image::joined(reversed ? second : first, reversed ? first : second, axis));
}

Result<NodeResult> latent_cut(NodeCall& call) {
  const Tensor& samples = call.get<Latent>("samples").samples;
  const int axis = axis_of(call.get<std::string>("dim"));
  const std::int64_t size = samples.shape()[axis];
  auto index = call.get<std::int64_t>("index"), amount = call.get<std::int64_t>("amount");
  if (index < 0) index = std::max(index + size, std::int64_t{0});
  index = std::min(index, size - 1);
  return latent_with(call.get<Latent>("samples"),
                     image::narrowed(samples, axis, index, std::min(amount, size - index)));
}

const RegisterNode kLatentConcat{NodeType("LatentConcat")
                                     .label("LatentConcat")
                                     .category("latent/advanced")
                                     .description("Puts two latents side by side.")
                                     .input(socket("samples1", "LATENT"))
                                     .input(socket("samples2", "LATENT"))
                                     .input(choice("dim", {"x", "-x", "y", "-y", "t", "-t"}))
                                     .output("LATENT")
                                     .run(latent_concat)};

const RegisterNode kLatentCut{NodeType("LatentCut")
                                  .label("LatentCut")
                                  .category("latent/advanced")
                                  .description("Takes a strip out of a latent.")
                                  .input(socket("samples", "LATENT"))
                                  .input(choice("dim", {"x", "y", "t"}))
                                  .input(integer("index", 0).range(-16384, 16384).step(1))
                                  .input(integer("amount", 1).range(1, 16384).step(1))
                                  .output("LATENT")
                                  .run(latent_cut)};

}  // namespace
}  // namespace obscura::nodes
