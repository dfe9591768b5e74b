#include "ir/tap.h"

#include <algorithm>

namespace obscura::ir {

Status tap(Graph& graph, std::span<const std::string> scopes) {
  for (const std::string& scope : scopes) {
    auto inside = [&](const Node& node) {
      return node.scope == scope || node.scope.starts_with(scope + ".");
    };
    auto last = std::find_if(graph.nodes.rbegin(), graph.nodes.rend(), inside);
    if (last == graph.nodes.rend()) {
      return Error(ErrorKind::kNotFound, graph.name + " has no place named " + scope);
    }
    graph.outputs.push_back({scope, last->output()});
  }
  return {};
}

}  // namespace obscura::ir
