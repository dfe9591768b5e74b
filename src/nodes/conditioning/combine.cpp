// ConditioningCombine, ConditioningAverage and ConditioningConcat.
#include "graph/node_registry.h"
#include "nodes/conditioning/conditioning_node.h"
#include "nodes/conditioning/entries.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::Condition;
using pipeline::Conditioning;

// ComfyUI mixes in the first entry only.
Result<const Condition*> first_entry(const NodeCall& call, const char* input) {
  const Conditioning& conditioning = call.get<Conditioning>(input);
  if (!conditioning.entries.empty()) return &conditioning.entries.front();
  return Error(ErrorKind::kInvalidInput, std::string("input \"") + input +
                                             "\": wanted a conditioning with an entry, found an "
                                             "empty one");
}

Result<NodeResult> combine_conditionings(NodeCall& call) {
  return NodeResult{conditioning_value(combined_entries(call.get<Conditioning>("conditioning_1"),
                                                        call.get<Conditioning>("conditioning_2")))};
}

// a * weight + b * (1 - weight); where b is shorter along the tokens it counts as 0.
Tensor mixed_states(const Tensor& a, const Tensor& b, float weight) {
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

Result<NodeResult> average_conditionings(NodeCall& call) {
  OBSCURA_ASSIGN(const Condition* from, first_entry(call, "conditioning_from"));
  const auto weight = static_cast<float>(call.get<double>("conditioning_to_strength"));
  Conditioning result = call.get<Conditioning>("conditioning_to");
  for (Condition& entry : result.entries) {
    OBSCURA_TRY(check_widths(entry, *from));
    entry.states = mixed_states(entry.states, from->states, weight);
    entry.pooled = mixed_states(entry.pooled, from->pooled, weight);
  }
  return NodeResult{conditioning_value(std::move(result))};
}

Result<NodeResult> concat_conditionings(NodeCall& call) {
  OBSCURA_ASSIGN(const Condition* from, first_entry(call, "conditioning_from"));
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

const RegisterNode kConditioningCombine{
    conditioning_node("ConditioningCombine", "Conditioning (Combine)", "conditioning",
                      "Both apply at once: their predictions are averaged by weight.")
        .input(conditioning_input("conditioning_1"))
        .input(conditioning_input("conditioning_2"))
        .run(combine_conditionings)};

const RegisterNode kConditioningAverage{
    conditioning_node("ConditioningAverage", "ConditioningAverage", "conditioning",
                      "Mixes the first entry of the second into the text states of the first.")
        .input(conditioning_input("conditioning_to"))
        .input(conditioning_input("conditioning_from"))
        .input(number("conditioning_to_strength", 1.0).range(0.0, 1.0).step(0.01))
        .run(average_conditionings)};

const RegisterNode kConditioningConcat{
    conditioning_node(
        "ConditioningConcat", "Conditioning (Concat)", "conditioning",
        "Puts the first entry of the second behind the text states of the first, as if the "
        "prompts were one.")
        .input(conditioning_input("conditioning_to"))
        .input(conditioning_input("conditioning_from"))
        .run(concat_conditionings)};

}  // namespace
}  // namespace obscura::nodes
