#include <algorithm>
#include <optional>

#include "ir/attention.h"
#include "ir/linear.h"
#include "ir/pass.h"

namespace obscura::ir {
namespace {

// A Linear that only this attention reads, without anything fused into it yet.
const LinearOp* mergeable(const Graph& graph, const std::vector<int>& uses, ValueId id) {
  int producer = graph.value(id).producer;
  if (producer < 0 || uses[index_of(id)] != 1) return nullptr;
  const Node& node = graph.nodes[static_cast<std::size_t>(producer)];
  const auto* op = dynamic_cast<const LinearOp*>(node.op.get());
  if (op == nullptr || op->options.residual || op->options.weight_in_by_out) return nullptr;
  if (op->options.activation != Activation::kNone || !graph.value(node.inputs[1]).weight)
    return nullptr;
  if (op->options.bias && !graph.value(node.inputs[2]).weight) return nullptr;
  return op;
}

// Only weights of one source can be joined. `inputs` are those of a Linear like the ones before.
bool same_source(const Graph& graph, const std::vector<ValueId>& inputs,
                 const std::vector<ValueId>& weights, const std::vector<ValueId>& biases) {
  auto source = [&](ValueId id) { return graph.value(id).weight->source; };
  if (source(inputs[1]) != source(weights[0])) return false;
  return biases.empty() || source(inputs[2]) == source(biases[0]);
}

ValueId add_weight(Graph& graph, const std::vector<ValueId>& parts) {
  WeightSpec joined = *graph.value(parts[0]).weight;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const WeightSpec& part = *graph.value(parts[i]).weight;
    joined.parts.insert(joined.parts.end(), part.parts.begin(), part.parts.end());
    joined.shape.set(0, joined.shape[0] + part.shape[0]);
  }
  ValueId id{static_cast<std::int32_t>(graph.values.size())};
  ValueType type{DType::kF32, joined.shape};
  graph.values.push_back({.type = type, .weight = std::move(joined)});
  return id;
}

// Merges the producers of the attention's operands `which` if they read the same value.
void merge(Graph& graph, Node& attention, const std::vector<int>& uses, std::vector<int> which) {
  std::vector<ValueId> weights, biases;
  std::vector<std::size_t> producers;
  ValueId source = kNoValue;
  const auto& old = dynamic_cast<const AttentionOp&>(*attention.op).options;
  for (int operand : which) {
    ValueId id = attention.inputs[static_cast<std::size_t>(operand)];
    const LinearOp* op = mergeable(graph, uses, id);
    if (op == nullptr) return;
    std::size_t producer = static_cast<std::size_t>(graph.value(id).producer);
    const Node& node = graph.nodes[producer];
    if (source != kNoValue && node.inputs[0] != source) return;
    if (!weights.empty() && op->options.bias != !biases.empty()) return;
    if (!weights.empty() && !same_source(graph, node.inputs, weights, biases)) return;
    source = node.inputs[0];
    weights.push_back(node.inputs[1]);
    if (op->options.bias) biases.push_back(node.inputs[2]);
    producers.push_back(producer);
  }
  // The merged node takes the place of the first; the others lose their only reader.
  Node& first = graph.nodes[*std::min_element(producers.begin(), producers.end())];
  AttentionOp::Options options = old;
  int* offsets[] = {&options.q_offset, &options.k_offset, &options.v_offset};
  int offset = 0;
  for (std::size_t i = 0; i < which.size(); ++i) {
    *offsets[which[i]] += offset;
    offset += static_cast<int>(graph.value(weights[i]).weight->shape[0]);
  }
  std::vector<ValueId> operands = {source, add_weight(graph, weights)};
  if (!biases.empty()) operands.push_back(add_weight(graph, biases));
  first.op = std::make_shared<LinearOp>(LinearOp::Options{.bias = !biases.empty()});
  first.inputs = operands;
  graph.values[index_of(first.output())].type.shape.set(-1, offset);
  for (int operand : which) attention.inputs[static_cast<std::size_t>(operand)] = first.output();
  attention.op = std::make_shared<AttentionOp>(options);
}

}  // namespace

void merge_projections(Graph& graph) {
  std::vector<int> uses = graph.use_counts();
  for (Node& node : graph.nodes) {
    if (dynamic_cast<const AttentionOp*>(node.op.get()) == nullptr) continue;
    auto source = [&](int operand) -> ValueId {
      int producer = graph.value(node.inputs[static_cast<std::size_t>(operand)]).producer;
      return producer < 0 ? kNoValue : graph.nodes[static_cast<std::size_t>(producer)].inputs[0];
    };
    if (source(0) == source(1) && source(1) == source(2)) {
      merge(graph, node, uses, {0, 1, 2});
    } else if (source(1) == source(2)) {
      merge(graph, node, uses, {1, 2});
    }
  }
}

}  // namespace obscura::ir
