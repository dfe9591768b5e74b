#include "workflows/upstream.h"

#include <set>

#include "workflows/seed_list.h"

namespace obscura::workflows {

using graph::Workflow;
using nlohmann::ordered_json;
using Nodes = std::vector<const Workflow::Node*>;

namespace {

void walk(const Workflow& workflow, Nodes& nodes) {
  std::set<const Workflow::Node*> seen(nodes.begin(), nodes.end());
  for (std::size_t next = 0; next < nodes.size(); ++next) {
    for (const ordered_json& value : nodes[next]->inputs()) {
      std::optional<graph::Link> link = graph::as_link(value);
      const Workflow::Node* source = link ? workflow.find(link->node) : nullptr;
      if (source != nullptr && seen.insert(source).second) nodes.push_back(source);
    }
  }
}

}  // namespace

Nodes upstream(const Workflow& workflow, std::string_view id) {
  Nodes nodes;
  if (const Workflow::Node* node = workflow.find(id)) nodes.push_back(node);
  walk(workflow, nodes);
  return nodes;
}

Nodes upstream_of_input(const Workflow& workflow, const Workflow::Node& node,
                        std::string_view input) {
  auto found = node.inputs().find(input);
  if (found == node.inputs().end()) return {};
  std::optional<graph::Link> link = graph::as_link(*found);
  return link ? upstream(workflow, link->node) : Nodes{};
}

const ordered_json* constant(const Workflow::Node& node, std::string_view input) {
  auto found = node.inputs().find(input);
  if (found == node.inputs().end() || graph::as_link(*found)) return nullptr;
  return &*found;
}

const ordered_json* nearest_constant(const Nodes& nodes, std::string_view input) {
  for (const Workflow::Node* node : nodes)
    if (const ordered_json* value = constant(*node, input)) return value;
  return nullptr;
}

std::optional<SamplingNode> nearest_sampling(const Workflow& workflow, std::string_view id) {
  for (const Workflow::Node* node : upstream(workflow, id)) {
    const bool custom = node->inputs().contains("guider");
    if (!custom && !node->inputs().contains("positive")) continue;
    const ordered_json* seed = constant(*node, "seed");
    if (seed == nullptr) seed = constant(*node, "noise_seed");
    // In the noise that it is given, or that the sampler before it was.
    if (seed == nullptr && custom) {
      seed = nearest_constant(upstream(workflow, node->id()), "noise_seed");
    }
    if (seed != nullptr && seed->is_number_unsigned()) {
      return SamplingNode{node, seed->get<std::uint64_t>()};
    }
  }
  return std::nullopt;
}

const Workflow::Node* varied_noise_of(const std::vector<const Workflow::Node*>& nodes) {
  for (const Workflow::Node* node : nodes) {
    const ordered_json* seed = constant(*node, "variation_seed");
    if (node->type() == "VariationNoise" && seed != nullptr && seed->is_number()) return node;
  }
  return nullptr;
}

std::optional<std::uint64_t> seed_of(const Workflow& workflow, std::string_view id,
                                     std::int64_t index) {
  std::optional<SamplingNode> sampling = nearest_sampling(workflow, id);
  if (!sampling) return std::nullopt;
  for (const Workflow::Node* node : upstream_of_input(workflow, *sampling->node, "latent_image")) {
    if (node->type() != "LatentSeeds") continue;
    const ordered_json* text = constant(*node, "seeds");
    if (text == nullptr || !text->is_string()) break;
    auto seeds = parse_seeds(text->get_ref<const std::string&>(), index + 1);
    if (seeds.ok() && static_cast<std::size_t>(index) < seeds->size()) {
      return (*seeds)[static_cast<std::size_t>(index)];
    }
    break;
  }
  if (varied_noise_of(upstream(workflow, sampling->node->id())) != nullptr) {
    return sampling->seed + static_cast<std::uint64_t>(index);
  }
  return sampling->seed;
}

}  // namespace obscura::workflows
