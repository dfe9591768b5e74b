#include "graph/node_registry.h"
#include "nodes/hooks/hooks_value.h"
#include "pipeline/hooks.h"

namespace obscura::nodes {
namespace {

using namespace graph;

// CombineHooks2, 4 and 8.
NodeType combine_hooks_node(int count) {
  std::vector<std::string> inputs;
  for (int i = 0; i < count; ++i)
    inputs.push_back(std::string("hooks_") + static_cast<char>('A' + i));
  const std::string number = std::to_string(count);
  NodeType node("CombineHooks" + number);
  node.label("Combine Hooks [" + number + "]").description("All of them together, in this order.");
  for (const std::string& input : inputs) node.optional(socket(input, "HOOKS"));
  hook_node(node, "advanced/hooks/combine").run([=](NodeCall& call) -> Result<NodeResult> {
    std::shared_ptr<const pipeline::Hooks> all;
    for (const std::string& input : inputs)
      all = pipeline::combined(all, linked_hooks(call, input));
    return hooks_result(all);
  });
  return node;
}

const RegisterNode kCombineHooks2{combine_hooks_node(2)};
const RegisterNode kCombineHooks4{combine_hooks_node(4)};
const RegisterNode kCombineHooks8{combine_hooks_node(8)};

}  // namespace
}  // namespace obscura::nodes
