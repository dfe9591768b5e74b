// Calls one node's body with given inputs, without a workflow around it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "graph/node_registry.h"
#include "nodes/sockets.h"

namespace obscura::nodes {

using graph::Value;
using GivenInputs = std::vector<std::pair<std::string, Value>>;

// The node's outputs, the first of each list. What is not given has its declared default.
inline Result<std::vector<Value>> call_node(const std::string& type, GivenInputs given,
                                            const graph::Environment& environment = {},
                                            const CancelToken& cancel = {}) {
  const graph::NodeType* node = graph::NodeRegistry::builtin().find(type);
  if (node == nullptr) return Error(ErrorKind::kNotFound, "no node " + type);
  std::vector<graph::NodeInputs::Entry> entries;
  for (const graph::InputSpec& spec : node->inputs()) {
    graph::NodeInputs::Entry entry{spec.name(), {}};
    for (auto& [name, value] : given)
      if (name == spec.name()) entry.values = {value};
    if (entry.values.empty() && spec.declared_default())
      entry.values = {Value::constant(spec.type(), *spec.declared_default())};
    entries.push_back(std::move(entry));
  }
  graph::CallContext context;
  context.node = {"1", type, type};
  context.environment = &environment;
  context.cancel = cancel;
  graph::NodeCall call(graph::NodeInputs(std::move(entries)), context);
  OBSCURA_ASSIGN(graph::NodeResult result, node->body()(call));
  std::vector<Value> outputs;
  for (const graph::ValueList& list : result.outputs()) outputs.push_back(list.at(0));
  return outputs;
}

// The only output of a node that must succeed.
inline Value only_output(const std::string& type, GivenInputs given,
                         const graph::Environment& environment = {}) {
  auto outputs = call_node(type, std::move(given), environment);
  EXPECT_TRUE(outputs.ok()) << (outputs.ok() ? "" : outputs.error().message());
  return outputs.value().at(0);
}

inline std::vector<float> values_of(const Tensor& tensor) {
  return {tensor.values().begin(), tensor.values().end()};
}

}  // namespace obscura::nodes
