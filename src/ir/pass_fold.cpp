#include <optional>

#include "ir/conv2d.h"
#include "ir/group_norm.h"
#include "ir/pass.h"

namespace obscura::ir {
namespace {

// The node that makes `id`, if it is an Op and nothing else reads its result.
template <class WantedOp>
Node* sole_producer(Graph& graph, const std::vector<int>& uses, ValueId id) {
  int producer = graph.value(id).producer;
  if (producer < 0 || uses[index_of(id)] != 1) return nullptr;
  Node& node = graph.nodes[static_cast<std::size_t>(producer)];
  return dynamic_cast<const WantedOp*>(node.op.get()) != nullptr ? &node : nullptr;
}

}  // namespace

void fold_upsample(Graph& graph) {
  std::vector<int> uses = graph.use_counts();
  for (Node& node : graph.nodes) {
    const auto* conv = dynamic_cast<const Conv2dOp*>(node.op.get());
    if (conv == nullptr || conv->options.upsample || conv->options.normalised) continue;
    const Node* upsampling = sole_producer<UpsampleOp>(graph, uses, node.inputs[0]);
    if (upsampling == nullptr) continue;
    Conv2dOp::Options options = conv->options;
    options.upsample = true;
    node.inputs[0] = upsampling->inputs[0];
    node.op = std::make_shared<Conv2dOp>(options);
  }
}

void fold_group_norm(Graph& graph) {
  std::vector<int> uses = graph.use_counts();
  for (Node& node : graph.nodes) {
    const auto* conv = dynamic_cast<const Conv2dOp*>(node.op.get());
    if (conv == nullptr || conv->options.upsample || conv->options.normalised) continue;
    Node* norm = sole_producer<GroupNormOp>(graph, uses, node.inputs[0]);
    if (norm == nullptr) continue;
    const GroupNormOp::Options norm_options = dynamic_cast<const GroupNormOp&>(*norm->op).options;
    Conv2dOp::Options options = conv->options;
    options.normalised = true;
    options.normalised_silu = norm_options.silu;
    // The norm's node becomes its statistics, the convolution reads what the norm read.
    node.inputs[0] = norm->inputs[0];
    auto stats = std::make_shared<Conv2dOp>(options);
    node.inputs.insert(node.inputs.begin() + stats->scale_shift_operand(), norm->output());
    node.op = std::move(stats);
    norm->op = std::make_shared<GroupStatsOp>(norm_options.groups, norm_options.eps);
    const Shape& x = graph.type(norm->inputs[0]).shape;
    graph.values[index_of(norm->output())].type.shape = Shape{x[0], 2, x[3]};
  }
}

}  // namespace obscura::ir
