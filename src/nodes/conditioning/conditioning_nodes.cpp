// The nodes that combine conditionings, and say where and when they apply.
#include <algorithm>

#include "graph/node_registry.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::Condition;
using pipeline::Conditioning;

constexpr std::int64_t kConditioningPixels = 8;

// The conditioning with each of its entries changed.
template <class Change>
NodeResult conditioning_changed(const NodeCall& call, const Change& change) {
  Conditioning conditioning = call.get<Conditioning>("conditioning");
  for (Condition& entry : conditioning.entries) change(entry);
  return NodeResult{conditioning_value(std::move(conditioning))};
}

// ComfyUI mixes in the first entry only.
Result<const Condition*> first_of(const NodeCall& call, const char* input) {
  const Conditioning& conditioning = call.get<Conditioning>(input);
  if (!conditioning.entries.empty()) return &conditioning.entries.front();
  return Error(ErrorKind::kInvalidInput, std::string("input \"") + input +
                                             "\": wanted a conditioning with an entry, found an "
                                             "empty one");
}

Result<NodeResult> combine(NodeCall& call) {
  Conditioning all = call.get<Conditioning>("conditioning_1");
  const Conditioning& more = call.get<Conditioning>("conditioning_2");
  all.entries.insert(all.entries.end(), more.entries.begin(), more.entries.end());
  return NodeResult{conditioning_value(std::move(all))};
}

// a * weight + b * (1 - weight); where b is shorter along the tokens it counts as 0.
Tensor mixed(const Tensor& a, const Tensor& b, float weight) {
  Tensor result = a.clone();
  for (std::int64_t i = 0; i < a.elements(); ++i)
    result.data()[i] = a.data()[i] * weight + (i < b.elements() ? b.data()[i] : 0) * (1 - weight);
  return result;
}

Status check_widths(const Condition& a, const Condition& b) {
  if (a.states.shape()[2] == b.states.shape()[2] && a.pooled.elements() == b.pooled.elements())
    return {};
  return Error(ErrorKind::kInvalidInput,
               "wanted conditionings of one kind of model, found text states of " +
                   std::to_string(a.states.shape()[2]) + " and of " +
                   std::to_string(b.states.shape()[2]) + " features");
}

Result<NodeResult> average(NodeCall& call) {
  OBSCURA_ASSIGN(const Condition* from, first_of(call, "conditioning_from"));
  const auto weight = static_cast<float>(call.get<double>("conditioning_to_strength"));
  Conditioning result = call.get<Conditioning>("conditioning_to");
  for (Condition& entry : result.entries) {
    OBSCURA_TRY(check_widths(entry, *from));
    entry.states = mixed(entry.states, from->states, weight);
    entry.pooled = mixed(entry.pooled, from->pooled, weight);
  }
  return NodeResult{conditioning_value(std::move(result))};
}

Result<NodeResult> conditioning_concat(NodeCall& call) {
  OBSCURA_ASSIGN(const Condition* from, first_of(call, "conditioning_from"));
  Conditioning result = call.get<Conditioning>("conditioning_to");
  for (Condition& entry : result.entries) {
    OBSCURA_TRY(check_widths(entry, *from));
    std::vector<float> states(entry.states.values().begin(), entry.states.values().end());
    states.insert(states.end(), from->states.values().begin(), from->states.values().end());
    const Shape& s = entry.states.shape();
    entry.states = Tensor(Shape{1, s[1] + from->states.shape()[1], s[2]}, std::move(states));
  }
  return NodeResult{conditioning_value(std::move(result))};
}

Result<NodeResult> set_area(NodeCall& call) {
  return conditioning_changed(call, [&](Condition& entry) {
    entry.area = diffusion::Area{call.get<std::int64_t>("height") / kConditioningPixels,
                                 call.get<std::int64_t>("width") / kConditioningPixels,
                                 call.get<std::int64_t>("y") / kConditioningPixels,
                                 call.get<std::int64_t>("x") / kConditioningPixels};
    entry.area_fractions.reset();
    entry.area_is_mask_bounds = false;
    entry.strength = call.get<double>("strength");
  });
}

Result<NodeResult> set_area_percentage(NodeCall& call) {
  return conditioning_changed(call, [&](Condition& entry) {
    entry.area_fractions =
        pipeline::AreaFractions{call.get<double>("height"), call.get<double>("width"),
                                call.get<double>("y"), call.get<double>("x")};
    entry.area.reset();
    entry.area_is_mask_bounds = false;
    entry.strength = call.get<double>("strength");
  });
}

Result<NodeResult> set_mask(NodeCall& call) {
  return conditioning_changed(call, [&](Condition& entry) {
    entry.mask = call.get<Mask>("mask").values;
    entry.mask_strength = call.get<double>("strength");
    entry.area_is_mask_bounds = call.get<std::string>("set_cond_area") == "mask bounds";
  });
}

Result<NodeResult> zero_out(NodeCall& call) {
  return conditioning_changed(call, [](Condition& entry) {
    entry.states = Tensor(entry.states.shape());
    entry.pooled = Tensor(entry.pooled.shape());
  });
}

Result<NodeResult> set_timestep_range(NodeCall& call) {
  return conditioning_changed(call, [&](Condition& entry) {
    entry.start_percent = call.get<double>("start");
    entry.end_percent = call.get<double>("end");
  });
}

NodeType conditioning_node(const char* id, const char* label, const char* category,
                           const char* description) {
  return NodeType(id)
      .label(label)
      .category(category)
      .description(description)
      .output("CONDITIONING");
}

InputSpec conditioning(const char* name = "conditioning") {
  return socket(name, "CONDITIONING");
}

InputSpec strength() {
  return number("strength", 1.0)
      .range(0.0, 10.0)
      .step(0.01)
      .tooltip("Its weight where conditionings overlap.");
}

InputSpec conditioning_pixels(const char* name, int default_value, int least) {
  return integer(name, default_value).range(least, 16384).step(8).tooltip("In pixels.");
}

InputSpec fraction(const char* name, double default_value) {
  return number(name, default_value).range(0, 1.0).step(0.01).tooltip("Part of the picture.");
}

InputSpec percent(const char* name, double default_value) {
  return number(name, default_value).range(0.0, 1.0).step(0.001).tooltip("Part of the sampling.");
}

const RegisterNode kCombine{
    conditioning_node("ConditioningCombine", "Conditioning (Combine)", "conditioning",
                      "Both apply at once: their predictions are averaged by weight.")
        .input(conditioning("conditioning_1"))
        .input(conditioning("conditioning_2"))
        .run(combine)};

const RegisterNode kAverage{
    conditioning_node("ConditioningAverage", "ConditioningAverage", "conditioning",
                      "Mixes the first entry of the second into the text states of the first.")
        .input(conditioning("conditioning_to"))
        .input(conditioning("conditioning_from"))
        .input(number("conditioning_to_strength", 1.0).range(0.0, 1.0).step(0.01))
        .run(average)};

const RegisterNode kConcat{
    conditioning_node(
        "ConditioningConcat", "Conditioning (Concat)", "conditioning",
        "Puts the first entry of the second behind the text states of the first, as if the "
        "prompts were one.")
        .input(conditioning("conditioning_to"))
        .input(conditioning("conditioning_from"))
        .run(conditioning_concat)};

const RegisterNode kSetArea{conditioning_node("ConditioningSetArea", "Conditioning (Set Area)",
                                              "conditioning",
                                              "Applies only in a rectangle of the picture.")
                                .input(conditioning())
                                .input(conditioning_pixels("width", 64, 64))
                                .input(conditioning_pixels("height", 64, 64))
                                .input(conditioning_pixels("x", 0, 0))
                                .input(conditioning_pixels("y", 0, 0))
                                .input(strength())
                                .run(set_area)};

const RegisterNode kSetAreaPercentage{
    conditioning_node("ConditioningSetAreaPercentage", "Conditioning (Set Area with Percentage)",
                      "conditioning",
                      "Applies only in a rectangle, given as parts of the picture's sides.")
        .input(conditioning())
        .input(fraction("width", 1.0))
        .input(fraction("height", 1.0))
        .input(fraction("x", 0))
        .input(fraction("y", 0))
        .input(strength())
        .run(set_area_percentage)};

const RegisterNode kConditioningSetMask{
    conditioning_node("ConditioningSetMask", "Conditioning (Set Mask)", "conditioning",
                      "Applies where the mask says, and as strongly.")
        .input(conditioning())
        .input(socket("mask", "MASK"))
        .input(strength())
        .input(choice("set_cond_area", {"default", "mask bounds"})
                   .tooltip("\"mask bounds\" computes only the rectangle around the mask."))
        .run(set_mask)};

const RegisterNode kZeroOut{
    conditioning_node("ConditioningZeroOut", "ConditioningZeroOut", "advanced/conditioning",
                      "Sets the text states to zero: less than an empty prompt.")
        .input(conditioning())
        .run(zero_out)};

const RegisterNode kSetTimestepRange{
    conditioning_node("ConditioningSetTimestepRange", "ConditioningSetTimestepRange",
                      "advanced/conditioning", "Applies only during a part of the sampling.")
        .input(conditioning())
        .input(percent("start", 0.0))
        .input(percent("end", 1.0))
        .run(set_timestep_range)};

}  // namespace
}  // namespace obscura::nodes
