// LatentSeeds, a node of Obscura's own that gives the images of a batch the noise of single
// renders, and LatentBatchSeedBehavior.
#include <fmt/format.h>

#include "graph/node_registry.h"
#include "nodes/sockets.h"
#include "workflows/seed_list.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::Latent;

Result<NodeResult> run_latent_seeds(NodeCall& call) {
  Latent latent = call.get<Latent>("samples");
  const std::int64_t count = latent.samples.shape()[0];
  OBSCURA_ASSIGN(latent.seeds, workflows::parse_seeds(call.get<std::string>("seeds"), count));
  if (static_cast<std::int64_t>(latent.seeds.size()) != count) {
    return Error(
        ErrorKind::kInvalidInput,
        fmt::format("input \"seeds\": wanted a seed for each image of a batch of {}, or the "
                    "first alone, found {}",
                    count, latent.seeds.size()));
  }
  return NodeResult{latent_value(std::move(latent))};
}

Status validate_latent_seeds(const NodeInputs& inputs, const Environment&) {
  if (!inputs.has("seeds")) return {};
  Result<std::vector<std::uint64_t>> seeds =
      workflows::parse_seeds(inputs.get<std::string>("seeds"), 1);
  return seeds.ok() ? Status() : Status(seeds.error());
}

Result<NodeResult> seed_behavior(NodeCall& call) {
  Latent latent = call.get<Latent>("samples");
  const bool fixed = call.get<std::string>("seed_behavior") == "fixed";
  const std::int64_t place = latent.batch_index.empty() ? 0 : latent.batch_index.front();
  const auto count = static_cast<std::size_t>(latent.samples.shape()[0]);
  latent.batch_index.clear();
  if (fixed) latent.batch_index.assign(count, place);
  if (fixed && !latent.seeds.empty()) latent.seeds.assign(count, latent.seeds.front());
  return NodeResult{latent_value(std::move(latent))};
}

const RegisterNode kLatentSeeds{
    NodeType("LatentSeeds")
        .label("Latent Seeds")
        .category("latent/batch")
        .description("Gives each image of a batch a seed of its own, in place of the sampler's: "
                     "image by image, the batch then equals single renders with those seeds.")
        .input(socket("samples", "LATENT").tooltip("The batch."))
        .input(text("seeds", "0")
                   .tooltip("\"7, 8, 100\": one for each image; or \"7\" alone, "
                            "which counts up: 7, 8, 9, …"))
        .output("LATENT")
        .validate(validate_latent_seeds)
        .run(run_latent_seeds)};

const RegisterNode kLatentBatchSeedBehavior{
    NodeType("LatentBatchSeedBehavior")
        .label("LatentBatchSeedBehavior")
        .category("latent/advanced")
        .description("Gives all latents of a batch the same noise, or each its own.")
        .input(socket("samples", "LATENT"))
        .input(choice("seed_behavior", {"random", "fixed"}).default_value("fixed"))
        .output("LATENT")
        .run(seed_behavior)};

}  // namespace
}  // namespace obscura::nodes
