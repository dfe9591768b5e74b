#include <algorithm>

#include "ir/pass.h"

namespace obscura::ir {

// The order of independent nodes is free: those that need only steady values can come first.
void hoist_steady(Graph& graph) {
  std::vector<bool> steady(graph.values.size());
  for (std::size_t v = 0; v < graph.values.size(); ++v)
    steady[v] = graph.values[v].steady || graph.values[v].weight.has_value();
  std::vector<bool> first;
  for (const Node& node : graph.nodes) {
    bool all = std::all_of(node.inputs.begin(), node.inputs.end(),
                           [&](ValueId id) { return steady[index_of(id)]; });
    for (ValueId id : node.outputs) steady[index_of(id)] = all;
    first.push_back(all);
  }
  std::vector<Node> ordered;
  for (bool wanted : {true, false}) {
    for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
      if (first[n] == wanted) ordered.push_back(std::move(graph.nodes[n]));
    }
  }
  graph.nodes = std::move(ordered);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    for (ValueId id : graph.nodes[n].outputs)
      graph.values[index_of(id)].producer = static_cast<int>(n);
  }
}

}  // namespace obscura::ir
