// Where a device that may run nodes beside one another has to wait between them.
#pragma once

#include <vector>

#include "ir/graph.h"
#include "plan/plan.h"

namespace obscura::plan {

// For each node, whether all nodes before it must have ended when it begins: it reads what one of
// them writes, or writes what one of them reads or writes, and no wait stands between the two
// already. As few as can be for nodes that start in the order of the graph. Before the first node
// and after the last everything is waited for.
//
// Looks at operands, results and workspace. Streamed weights are read here; the copies that bring
// them are for the device to wait for, from PlannedNode::arrival on. Where nothing is prefetched
// the node itself writes them, and what stages them, before it reads.
std::vector<bool> hazards(const ir::Graph& graph, const std::vector<NodeNeeds>& needs,
                          const Plan& plan);

}  // namespace obscura::plan
