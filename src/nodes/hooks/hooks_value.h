// The socket HOOKS as inputs and outputs of nodes. Without a link it holds no hooks.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "graph/node_call.h"
#include "graph/node_type.h"
#include "graph/value.h"
#include "pipeline/hooks.h"

namespace obscura::nodes {

inline std::shared_ptr<const pipeline::Hooks> linked_hooks(const graph::NodeCall& call,
                                                           std::string_view input) {
  return call.has(input) ? call.share<pipeline::Hooks>(input) : nullptr;
}

// `hooks` may be null.
inline graph::NodeResult hooks_result(std::shared_ptr<const pipeline::Hooks> hooks) {
  if (hooks == nullptr) hooks = std::make_shared<const pipeline::Hooks>();
  return graph::NodeResult{graph::Value::handle<pipeline::Hooks>("HOOKS", std::move(hooks))};
}

inline graph::InputSpec hook_strength(const char* name) {
  return graph::number(name, 1.0).range(-20.0, 20.0).step(0.01);
}

// Category, output and mark of a node that gives hooks.
inline graph::NodeType& hook_node(graph::NodeType& node, const char* category) {
  return node.category(category).output("HOOKS").experimental();
}

}  // namespace obscura::nodes
