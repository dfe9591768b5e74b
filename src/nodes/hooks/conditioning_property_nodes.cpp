// ComfyUI's nodes that set several properties of conditionings at once, alone or in pairs, and
// combine them.
#include "graph/node_registry.h"
#include "nodes/sockets.h"
#include "pipeline/hooks.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::Condition;
using pipeline::Conditioning;

// The socket TIMESTEPS_RANGE: parts of the sampling.
struct TimestepsRange {
  double start = 0, end = 1;
};

Value range_value(double start, double end) {
  return Value::handle("TIMESTEPS_RANGE", TimestepsRange{start, end});
}

Result<NodeResult> range(NodeCall& call) {
  const auto start = call.get<double>("start_percent"), end = call.get<double>("end_percent");
  return NodeResult{range_value(start, end), range_value(0, start), range_value(end, 1)};
}

// The entries with the hooks at the input "hooks" besides their own.
Conditioning with_hooks(const NodeCall& call, Conditioning conditioning) {
  if (!call.has("hooks")) return conditioning;
  const auto hooks = call.share<pipeline::Hooks>("hooks");
  for (Condition& entry : conditioning.entries) entry.hooks = combined(entry.hooks, hooks);
  return conditioning;
}

Conditioning with_properties(const NodeCall& call, const char* input) {
  Conditioning result = with_hooks(call, call.get<Conditioning>(input));
  const auto* mask = call.find<Mask>("mask");
  const auto* timesteps = call.find<TimestepsRange>("timesteps");
  for (Condition& entry : result.entries) {
    entry.strength = call.get<double>("strength");
    if (mask) {
      entry.mask = mask->values;
      entry.mask_strength = entry.strength;
      entry.strength = 1;
      entry.area_is_mask_bounds = call.get<std::string>("set_cond_area") == "mask bounds";
    }
    if (timesteps) {
      entry.start_percent = timesteps->start;
      entry.end_percent = timesteps->end;
    }
  }
  return result;
}

Conditioning conditioning_property_combined(Conditioning first, const Conditioning& second) {
  first.entries.insert(first.entries.end(), second.entries.begin(), second.entries.end());
  return first;
}

Value combined_value(const NodeCall& call, const char* first, const Conditioning& second) {
  return conditioning_value(conditioning_property_combined(call.get<Conditioning>(first), second));
}

Conditioning as_default(const NodeCall& call, const char* input) {
  Conditioning conditioning = with_hooks(call, call.get<Conditioning>(input));
  for (Condition& entry : conditioning.entries) entry.is_default = true;
  return conditioning;
}

Result<NodeResult> set(NodeCall& call) {
  return NodeResult{conditioning_value(with_properties(call, "cond_NEW"))};
}

Result<NodeResult> set_and_combine(NodeCall& call) {
  return NodeResult{combined_value(call, "cond", with_properties(call, "cond_NEW"))};
}

Result<NodeResult> set_default(NodeCall& call) {
  return NodeResult{combined_value(call, "cond", as_default(call, "cond_DEFAULT"))};
}

Result<NodeResult> set_pair(NodeCall& call) {
  return NodeResult{conditioning_value(with_properties(call, "positive_NEW")),
                    conditioning_value(with_properties(call, "negative_NEW"))};
}

Result<NodeResult> set_and_combine_pair(NodeCall& call) {
  return NodeResult{combined_value(call, "positive", with_properties(call, "positive_NEW")),
                    combined_value(call, "negative", with_properties(call, "negative_NEW"))};
}

Result<NodeResult> set_default_pair(NodeCall& call) {
  return NodeResult{combined_value(call, "positive", as_default(call, "positive_DEFAULT")),
                    combined_value(call, "negative", as_default(call, "negative_DEFAULT"))};
}

Result<NodeResult> combine_pair(NodeCall& call) {
  return NodeResult{combined_value(call, "positive_A", call.get<Conditioning>("positive_B")),
                    combined_value(call, "negative_A", call.get<Conditioning>("negative_B"))};
}

Result<NodeResult> set_strength(NodeCall& call) {
  Conditioning result = call.get<Conditioning>("conditioning");
  for (Condition& entry : result.entries) entry.strength = call.get<double>("strength");
  return NodeResult{conditioning_value(std::move(result))};
}

NodeType& with_property_inputs(NodeType& node) {
  return node.input(number("strength", 1.0).range(0.0, 10.0).step(0.01))
      .input(choice("set_cond_area", {"default", "mask bounds"}))
      .optional(socket("mask", "MASK"))
      .optional(socket("hooks", "HOOKS"))
      .optional(socket("timesteps", "TIMESTEPS_RANGE"));
}

NodeType& conditioning_node(NodeType& node) {
  return node.category("advanced/hooks/cond single").output("CONDITIONING").experimental();
}

NodeType& pair_node(NodeType& node) {
  return node.category("advanced/hooks/cond pair")
      .output("CONDITIONING", "positive")
      .output("CONDITIONING", "negative")
      .experimental();
}

const RegisterNode kConditioningSetAreaStrength{
    NodeType("ConditioningSetAreaStrength")
        .label("ConditioningSetAreaStrength")
        .category("conditioning")
        .description("Sets how strongly a conditioning counts where several overlap.")
        .input(socket("conditioning", "CONDITIONING"))
        .input(number("strength", 1.0).range(0.0, 10.0).step(0.01))
        .output("CONDITIONING")
        .run(set_strength)};

const RegisterNode kConditioningTimestepsRange{
    NodeType("ConditioningTimestepsRange")
        .label("Timesteps Range")
        .category("advanced/hooks")
        .description("A part of the sampling, and what lies before and behind it.")
        .input(number("start_percent", 0.0).range(0.0, 1.0).step(0.001))
        .input(number("end_percent", 1.0).range(0.0, 1.0).step(0.001))
        .output("TIMESTEPS_RANGE")
        .output("TIMESTEPS_RANGE", "BEFORE_RANGE")
        .output("TIMESTEPS_RANGE", "AFTER_RANGE")
        .experimental()
        .run(range)};

const RegisterNode kConditioningSetProperties{conditioning_node(with_property_inputs(
    NodeType("ConditioningSetProperties")
        .label("Cond Set Props")
        .description("Says where, when and how strongly a conditioning counts.")
        .input(socket("cond_NEW", "CONDITIONING"))
        .run(set)))};

const RegisterNode kConditioningSetPropertiesAndCombine{conditioning_node(with_property_inputs(
    NodeType("ConditioningSetPropertiesAndCombine")
        .label("Cond Set Props Combine")
        .description(
            "Says where, when and how strongly a conditioning counts, and adds it to another.")
        .input(socket("cond", "CONDITIONING"))
        .input(socket("cond_NEW", "CONDITIONING"))
        .run(set_and_combine)))};

const RegisterNode kConditioningSetDefaultCombine{
    conditioning_node(NodeType("ConditioningSetDefaultCombine")
                          .label("Cond Set Default Combine")
                          .description("Adds a conditioning that counts where no other does.")
                          .input(socket("cond", "CONDITIONING"))
                          .input(socket("cond_DEFAULT", "CONDITIONING"))
                          .optional(socket("hooks", "HOOKS"))
                          .run(set_default))};

const RegisterNode kPairConditioningSetProperties{pair_node(with_property_inputs(
    NodeType("PairConditioningSetProperties")
        .label("Cond Pair Set Props")
        .description("Says where, when and how strongly a pair of conditionings counts.")
        .input(socket("positive_NEW", "CONDITIONING"))
        .input(socket("negative_NEW", "CONDITIONING"))
        .run(set_pair)))};

const RegisterNode kPairConditioningSetPropertiesAndCombine{pair_node(with_property_inputs(
    NodeType("PairConditioningSetPropertiesAndCombine")
        .label("Cond Pair Set Props Combine")
        .description("Says where, when and how strongly a pair of conditionings counts, and adds "
                     "it to another.")
        .input(socket("positive", "CONDITIONING"))
        .input(socket("negative", "CONDITIONING"))
        .input(socket("positive_NEW", "CONDITIONING"))
        .input(socket("negative_NEW", "CONDITIONING"))
        .run(set_and_combine_pair)))};

const RegisterNode kPairConditioningSetDefaultCombine{
    pair_node(NodeType("PairConditioningSetDefaultCombine")
                  .label("Cond Pair Set Default Combine")
                  .description("Adds a pair of conditionings that counts where no other does.")
                  .input(socket("positive", "CONDITIONING"))
                  .input(socket("negative", "CONDITIONING"))
                  .input(socket("positive_DEFAULT", "CONDITIONING"))
                  .input(socket("negative_DEFAULT", "CONDITIONING"))
                  .optional(socket("hooks", "HOOKS"))
                  .run(set_default_pair))};

const RegisterNode kPairConditioningCombine{
    pair_node(NodeType("PairConditioningCombine")
                  .label("Cond Pair Combine")
                  .description("Joins two pairs of conditionings.")
                  .input(socket("positive_A", "CONDITIONING"))
                  .input(socket("negative_A", "CONDITIONING"))
                  .input(socket("positive_B", "CONDITIONING"))
                  .input(socket("negative_B", "CONDITIONING"))
                  .run(combine_pair))};

}  // namespace
}  // namespace obscura::nodes
