#include <algorithm>

#include "ir/arithmetic.h"
#include "ir/conv2d.h"
#include "ir/linear.h"
#include "ir/pass.h"

namespace obscura::ir {
namespace {

class EpilogueFuser {
 public:
  explicit EpilogueFuser(Graph& graph) : graph_(graph), uses_(graph.use_counts()) {}

  void run() {
    for (Node& node : graph_.nodes) {
      if (const auto* activation = dynamic_cast<const ActivationOp*>(node.op.get())) {
        fuse_activation(node, activation->activation);
      } else if (dynamic_cast<const AddOp*>(node.op.get()) != nullptr) {
        fuse_add(node);
      }
    }
  }

 private:
  // The producer of `id`, if this is its only reader.
  const Node* producer(ValueId id) const {
    int index = graph_.value(id).producer;
    if (index < 0 || uses_[index_of(id)] != 1) return nullptr;
    return &graph_.nodes[static_cast<std::size_t>(index)];
  }

  void fuse_activation(Node& node, Activation kind) {
    const Node* source = producer(node.inputs[0]);
    const auto* linear =
        source != nullptr ? dynamic_cast<const LinearOp*>(source->op.get()) : nullptr;
    if (linear == nullptr || linear->options.activation != Activation::kNone ||
        linear->options.residual)
      return;
    LinearOp::Options options = linear->options;
    options.activation = kind;
    node.inputs = source->inputs;
    node.scope = source->scope;
    node.op = std::make_shared<LinearOp>(options);
  }

  // Of two candidates the later is fused, because the other must be computed before it.
  void fuse_add(Node& node) {
    ValueId a = node.inputs[0], b = node.inputs[1];
    if (graph_.value(b).producer > graph_.value(a).producer) std::swap(a, b);
    if (!try_fuse(node, a, b)) try_fuse(node, b, a);
  }

  // node = source + other. The fused node stands where the sum stood, so all its operands are
  // there.
  bool try_fuse(Node& node, ValueId source_id, ValueId other) {
    const Node* source = producer(source_id);
    if (source == nullptr || graph_.value(other).weight) return false;
    bool same = graph_.type(other) == graph_.type(node.output()) &&
                graph_.type(source_id) == graph_.type(other);
    bool per_channel =
        AddOp::is_per_channel(graph_.type(source_id).shape, graph_.type(other).shape);
    std::vector<ValueId> operands = source->inputs;
    if (const auto* linear = dynamic_cast<const LinearOp*>(source->op.get())) {
      if (!same || linear->options.residual) return false;
      LinearOp::Options options = linear->options;
      options.residual = true;
      operands.push_back(other);
      node.op = std::make_shared<LinearOp>(options);
    } else if (const auto* conv = dynamic_cast<const Conv2dOp*>(source->op.get())) {
      Conv2dOp::Options options = conv->options;
      if (options.residual || (!same && (!per_channel || options.channel_add))) return false;
      (same ? options.residual : options.channel_add) = true;
      operands.push_back(other);  // both are the last operand when they come in this order
      node.op = std::make_shared<Conv2dOp>(options);
    } else {
      return false;
    }
    node.inputs = std::move(operands);
    node.scope = source->scope;
    return true;
  }

  Graph& graph_;
  std::vector<int> uses_;
};

}  // namespace

void fuse_epilogues(Graph& graph) {
  EpilogueFuser(graph).run();
}

}  // namespace obscura::ir
