#include "nodes/hooks/timesteps_range.h"
#include "graph/node_registry.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Value range_value(double start, double end) {
  return Value::handle("TIMESTEPS_RANGE", TimestepsRange{start, end});
}

Result<NodeResult> timesteps_range(NodeCall& call) {
  const auto start = call.get<double>("start_percent"), end = call.get<double>("end_percent");
  return NodeResult{range_value(start, end), range_value(0, start), range_value(end, 1)};
}

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
        .run(timesteps_range)};

}  // namespace
}  // namespace obscura::nodes
