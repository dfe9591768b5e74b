// How long the values of a graph live, and which of them share memory.
#pragma once

#include <cstddef>
#include <vector>

#include "ir/graph.h"
#include "plan/plan.h"

namespace obscura::plan {

// How many leading nodes read nothing but steady inputs, weights and one another's results, and
// make nothing that is assigned to a parameter.
std::size_t count_steady_nodes(const ir::Graph& graph);

// By value: the last node that reads it, or a view of it; -1 if none does. What is an output or
// assigned lives to the end (the number of nodes), and so does what the plan's steady nodes leave
// to the others.
std::vector<int> last_uses(const ir::Graph& graph, const Plan& plan);

// By value: the value whose memory it uses, which is itself, what it views or takes over, or the
// parameter that it is assigned to. Lengthens the uses of what is shared.
std::vector<std::size_t> storage_of(const ir::Graph& graph, const std::vector<NodeNeeds>& needs,
                                    std::vector<int>& last_use);

// By node: the streamed node before its own, from which on its weights may arrive.
std::vector<int> arrivals(const Plan& plan);

}  // namespace obscura::plan
