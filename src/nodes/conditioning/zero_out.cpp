#include "graph/node_registry.h"
#include "nodes/conditioning/conditioning_node.h"
#include "nodes/conditioning/entries.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> zero_out(NodeCall& call) {
  return NodeResult{conditioning_value(with_entries(
      call.get<pipeline::Conditioning>("conditioning"), [](pipeline::Condition& entry) {
        entry.states = Tensor(entry.states.shape());
        entry.pooled = Tensor(entry.pooled.shape());
      }))};
}

const RegisterNode kConditioningZeroOut{
    conditioning_node("ConditioningZeroOut", "ConditioningZeroOut", "advanced/conditioning",
                      "Sets the text states to zero: less than an empty prompt.")
        .input(conditioning_input())
        .run(zero_out)};

}  // namespace
}  // namespace obscura::nodes
