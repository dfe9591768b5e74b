// ComfyUI's nodes that set several properties of conditionings at once, alone or in pairs, and
// combine them.
#include <initializer_list>

#include "graph/node_registry.h"
#include "nodes/conditioning/entries.h"
#include "nodes/hooks/timesteps_range.h"
#include "nodes/sockets.h"
#include "pipeline/hooks.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::Condition;
using pipeline::Conditioning;

// The entries with the hooks at the input "hooks" besides their own.
Conditioning with_hooks(const NodeCall& call, Conditioning conditioning) {
  if (!call.has("hooks")) return conditioning;
  const auto hooks = call.share<pipeline::Hooks>("hooks");
  return with_entries(std::move(conditioning), [&](Condition& entry) {
    entry.hooks = pipeline::combined(entry.hooks, hooks);
  });
}

Conditioning with_properties(const NodeCall& call, const std::string& input) {
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

Conditioning as_default(const NodeCall& call, const std::string& input) {
  return with_entries(with_hooks(call, call.get<Conditioning>(input)),
                      [](Condition& entry) { entry.is_default = true; });
}

Conditioning set_properties(const NodeCall& call, const std::string& name) {
  return with_properties(call, name + "_NEW");
}

Conditioning set_and_combine(const NodeCall& call, const std::string& name) {
  return combined_entries(call.get<Conditioning>(name), with_properties(call, name + "_NEW"));
}

Conditioning set_default(const NodeCall& call, const std::string& name) {
  return combined_entries(call.get<Conditioning>(name), as_default(call, name + "_DEFAULT"));
}

Conditioning combine_both(const NodeCall& call, const std::string& name) {
  return combined_entries(call.get<Conditioning>(name + "_A"), call.get<Conditioning>(name + "_B"));
}

// A node of one conditioning, or of a pair: `names` begin the names of its inputs, which end in
// each of `endings`, and `make` tells what becomes of those of one name.
using Names = std::vector<std::string>;
using Make = Conditioning (*)(const NodeCall&, const std::string& name);

NodeType property_node(const char* id, const char* label, const char* description,
                       const Names& names, std::initializer_list<const char*> endings, Make make) {
  const bool is_pair = names.size() > 1;
  NodeType node(id);
  node.label(label).description(description).experimental();
  node.category(is_pair ? "advanced/hooks/cond pair" : "advanced/hooks/cond single");
  for (const char* ending : endings)
    for (const std::string& name : names) node.input(socket(name + ending, "CONDITIONING"));
  for (const std::string& name : names) node.output("CONDITIONING", is_pair ? name : "");
  node.run([=](NodeCall& call) -> Result<NodeResult> {
    NodeResult result;
    for (const std::string& name : names) result.add(conditioning_value(make(call, name)));
    return result;
  });
  return node;
}

NodeType with_property_inputs(NodeType node) {
  node.input(number("strength", 1.0).range(0.0, 10.0).step(0.01))
      .input(choice("set_cond_area", {"default", "mask bounds"}))
      .optional(socket("mask", "MASK"))
      .optional(socket("hooks", "HOOKS"))
      .optional(socket("timesteps", "TIMESTEPS_RANGE"));
  return node;
}

NodeType with_hooks_input(NodeType node) {
  node.optional(socket("hooks", "HOOKS"));
  return node;
}

const Names kAlone = {"cond"}, kPair = {"positive", "negative"};

const RegisterNode kConditioningSetProperties{with_property_inputs(property_node(
    "ConditioningSetProperties", "Cond Set Props",
    "Says where, when and how strongly a conditioning counts.", kAlone, {"_NEW"}, set_properties))};

const RegisterNode kConditioningSetPropertiesAndCombine{with_property_inputs(property_node(
    "ConditioningSetPropertiesAndCombine", "Cond Set Props Combine",
    "Says where, when and how strongly a conditioning counts, and adds it to another.", kAlone,
    {"", "_NEW"}, set_and_combine))};

const RegisterNode kConditioningSetDefaultCombine{
    with_hooks_input(property_node("ConditioningSetDefaultCombine", "Cond Set Default Combine",
                                   "Adds a conditioning that counts where no other does.", kAlone,
                                   {"", "_DEFAULT"}, set_default))};

const RegisterNode kPairConditioningSetProperties{with_property_inputs(
    property_node("PairConditioningSetProperties", "Cond Pair Set Props",
                  "Says where, when and how strongly a pair of conditionings counts.", kPair,
                  {"_NEW"}, set_properties))};

const RegisterNode kPairConditioningSetPropertiesAndCombine{with_property_inputs(property_node(
    "PairConditioningSetPropertiesAndCombine", "Cond Pair Set Props Combine",
    "Says where, when and how strongly a pair of conditionings counts, and adds it to another.",
    kPair, {"", "_NEW"}, set_and_combine))};

const RegisterNode kPairConditioningSetDefaultCombine{with_hooks_input(
    property_node("PairConditioningSetDefaultCombine", "Cond Pair Set Default Combine",
                  "Adds a pair of conditionings that counts where no other does.", kPair,
                  {"", "_DEFAULT"}, set_default))};

const RegisterNode kPairConditioningCombine{
    property_node("PairConditioningCombine", "Cond Pair Combine",
                  "Joins two pairs of conditionings.", kPair, {"_A", "_B"}, combine_both)};

}  // namespace
}  // namespace obscura::nodes
