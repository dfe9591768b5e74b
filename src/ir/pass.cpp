#include "ir/pass.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace obscura::ir {
namespace {

struct NamedPass {
  std::string_view name;
  void (*run)(Graph& graph);
};

constexpr std::array kPasses = {
    NamedPass{"merge_projections", merge_projections}, NamedPass{"fold_upsample", fold_upsample},
    NamedPass{"fold_group_norm", fold_group_norm},     NamedPass{"fuse_epilogues", fuse_epilogues},
    NamedPass{"hoist_steady", hoist_steady},
};

}  // namespace

Status run_passes(Graph& graph, std::initializer_list<std::string_view> names) {
  for (std::string_view name : names) {
    auto pass = std::find_if(kPasses.begin(), kPasses.end(),
                             [&](const NamedPass& p) { return p.name == name; });
    if (pass == kPasses.end())
      return Error(ErrorKind::kInternal, "no graph pass " + std::string(name));
    pass->run(graph);
    remove_unused(graph);
    if (Status status = graph.validate(); !status.ok())
      return status.error().in("after " + std::string(name));
  }
  return {};
}

void remove_unused(Graph& graph) {
  std::vector<bool> needed(graph.values.size(), false);
  for (ValueId id : graph.inputs) needed[index_of(id)] = true;
  for (ValueId id : graph.parameters) needed[index_of(id)] = true;
  for (const Output& out : graph.outputs) needed[index_of(out.value)] = true;
  for (const Assignment& assignment : graph.assignments) needed[index_of(assignment.value)] = true;
  for (std::size_t n = graph.nodes.size(); n-- > 0;) {
    const Node& node = graph.nodes[n];
    if (std::none_of(node.outputs.begin(), node.outputs.end(),
                     [&](ValueId id) { return needed[index_of(id)]; }))
      continue;
    // A node gives all its results or none.
    for (ValueId id : node.outputs) needed[index_of(id)] = true;
    for (ValueId id : node.inputs) needed[index_of(id)] = true;
  }
  std::vector<ValueId> renumbered(graph.values.size(), kNoValue);
  std::vector<Value> values;
  for (std::size_t v = 0; v < graph.values.size(); ++v) {
    if (!needed[v]) continue;
    renumbered[v] = ValueId{static_cast<std::int32_t>(values.size())};
    values.push_back(std::move(graph.values[v]));
  }
  graph.values = std::move(values);
  std::erase_if(graph.nodes,
                [&](const Node& node) { return renumbered[index_of(node.output())] == kNoValue; });
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    Node& node = graph.nodes[n];
    for (ValueId& id : node.inputs) id = renumbered[index_of(id)];
    for (ValueId& id : node.outputs) {
      id = renumbered[index_of(id)];
      graph.values[index_of(id)].producer = static_cast<int>(n);
    }
  }
  for (ValueId& id : graph.inputs) id = renumbered[index_of(id)];
  for (ValueId& id : graph.parameters) id = renumbered[index_of(id)];
  for (Output& out : graph.outputs) out.value = renumbered[index_of(out.value)];
  for (auto& [parameter, value] : graph.assignments) {
    parameter = renumbered[index_of(parameter)];
    value = renumbered[index_of(value)];
  }
}

}  // namespace obscura::ir
