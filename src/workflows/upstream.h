// Questions about the workflow behind an image: which nodes it came from, and what was written
// into them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/workflow.h"

namespace obscura::workflows {

// The node and all that it depends on, nearest first; each once. Links to nodes that do not exist
// are passed over.
std::vector<const graph::Workflow::Node*> upstream(const graph::Workflow& workflow,
                                                   std::string_view id);
// The same from what is linked to one of its inputs; nothing if the input holds no link.
std::vector<const graph::Workflow::Node*> upstream_of_input(const graph::Workflow& workflow,
                                                            const graph::Workflow::Node& node,
                                                            std::string_view input);

// What is written into an input; null if it is linked or absent.
const nlohmann::ordered_json* constant(const graph::Workflow::Node& node, std::string_view input);

// The first of `nodes` with a constant of this name, and the constant; null if none has one.
const nlohmann::ordered_json* nearest_constant(
    const std::vector<const graph::Workflow::Node*>& nodes, std::string_view input);

// The node that made the latent of the image that node `id` saves, and its seed.
struct SamplingNode {
  const graph::Workflow::Node* node = nullptr;
  std::uint64_t seed = 0;
};
std::optional<SamplingNode> nearest_sampling(const graph::Workflow& workflow, std::string_view id);

// The VariationNoise among the nodes, whose two seeds are written into it; null if there is none.
const graph::Workflow::Node* varied_noise_of(
    const std::vector<const graph::Workflow::Node*>& nodes);

// The seed of image `index` of a batch: its own where LatentSeeds gave it one or VariationNoise
// counted it up, else the sampling node's.
std::optional<std::uint64_t> seed_of(const graph::Workflow& workflow, std::string_view id,
                                     std::int64_t index);

}  // namespace obscura::workflows
