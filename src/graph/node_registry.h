// The node types a program knows, by class name. Registrars in the node files fill the process-wide
// builtin registry before main(); tests make registries of their own.
//
// Thread safety: fill it first; reading is safe from any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "graph/node_type.h"

namespace obscura::graph {

class NodeRegistry {
 public:
  static NodeRegistry& builtin();

  // REQUIRES: a name, a body, no such class yet, distinct input names, choices for every COMBO, a
  // hook for lazy inputs.
  void add(NodeType type);
  // Null if there is no such class. The address stays valid as long as the registry.
  const NodeType* find(std::string_view id) const;
  const std::map<std::string, NodeType, std::less<>>& types() const { return types_; }
  std::vector<std::string> names() const;

 private:
  std::map<std::string, NodeType, std::less<>> types_;
};

// `const RegisterNode registered{NodeType("...")...};` at namespace scope adds the node to the
// builtin registry.
struct RegisterNode {
  explicit RegisterNode(NodeType type) { NodeRegistry::builtin().add(std::move(type)); }
};

}  // namespace obscura::graph
