#include "graph/node_registry.h"

#include <set>

#include "base/check.h"

namespace obscura::graph {

NodeRegistry& NodeRegistry::builtin() {
  static NodeRegistry registry;
  return registry;
}

void NodeRegistry::add(NodeType type) {
  const std::string id = type.id();
  OBSCURA_CHECK(!id.empty(), "a node type without a name");
  OBSCURA_CHECK(static_cast<bool>(type.body()), "node type " + id + " has no body");
  std::set<std::string> names;
  for (const InputSpec& input : type.inputs()) {
    OBSCURA_CHECK(names.insert(input.name()).second,
                  "node type " + id + " declares input " + input.name() + " twice");
    OBSCURA_CHECK(input.type() != "COMBO" || input.is_choice(),
                  "node type " + id + ", input " + input.name() + ": a COMBO without choices");
    OBSCURA_CHECK(
        !input.is_lazy() || type.lazy_hook(),
        "node type " + id + ", input " + input.name() + " is lazy, but there is no lazy hook");
  }
  const bool added = types_.emplace(id, std::move(type)).second;
  OBSCURA_CHECK(added, "node type " + id + " is registered twice");
}

const NodeType* NodeRegistry::find(std::string_view id) const {
  auto found = types_.find(id);
  return found == types_.end() ? nullptr : &found->second;
}

std::vector<std::string> NodeRegistry::names() const {
  std::vector<std::string> names;
  for (const auto& [name, type] : types_) names.push_back(name);
  return names;
}

}  // namespace obscura::graph
