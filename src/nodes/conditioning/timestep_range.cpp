#include "graph/node_registry.h"
#include "nodes/conditioning/conditioning_node.h"
#include "nodes/conditioning/entries.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> set_timestep_range(NodeCall& call) {
  return NodeResult{conditioning_value(with_entries(
      call.get<pipeline::Conditioning>("conditioning"), [&](pipeline::Condition& entry) {
        entry.start_percent = call.get<double>("start");
        entry.end_percent = call.get<double>("end");
      }))};
}

InputSpec timestep_percent(const char* name, double default_value) {
  return number(name, default_value).range(0.0, 1.0).step(0.001).tooltip("Part of the sampling.");
}

const RegisterNode kConditioningSetTimestepRange{
    conditioning_node("ConditioningSetTimestepRange", "ConditioningSetTimestepRange",
                      "advanced/conditioning", "Applies only during a part of the sampling.")
        .input(conditioning_input())
        .input(timestep_percent("start", 0.0))
        .input(timestep_percent("end", 1.0))
        .run(set_timestep_range)};

}  // namespace
}  // namespace obscura::nodes
