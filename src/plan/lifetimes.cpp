#include "plan/lifetimes.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace obscura::plan {
namespace {

bool is_assigned(const ir::Graph& graph, ir::ValueId id) {
  return std::any_of(graph.assignments.begin(), graph.assignments.end(),
                     [&](const ir::Assignment& a) { return a.value == id; });
}

// Decides node by node whose memory the results use.
class Sharing {
 public:
  Sharing(const ir::Graph& graph, const std::vector<NodeNeeds>& needs, std::vector<int>& last_use)
      : graph_(graph), needs_(needs), last_use_(last_use), storage_(graph.values.size()) {
    std::iota(storage_.begin(), storage_.end(), std::size_t{0});
  }

  std::vector<std::size_t> run() {
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      const ir::Node& node = graph_.nodes[n];
      int taken = node.op->is_view() ? 0 : needs_[n].in_place_operand;
      if (taken >= 0) take_over(n, node.inputs[static_cast<std::size_t>(taken)]);
      for (const auto& [parameter, value] : graph_.assignments) {
        if (graph_.value(value).producer == static_cast<int>(n)) move_in(n, parameter, value);
      }
    }
    return std::move(storage_);
  }

 private:
  void share(std::size_t value, std::size_t source) {
    storage_[value] = source;
    last_use_[source] = std::max(last_use_[source], last_use_[value]);
  }

  bool may_write(const ir::Node& node, std::size_t source) const {
    const ir::Value& value = graph_.values[source];
    // Nobody writes into what the caller lent, and into a parameter only its next content.
    if (value.is_input()) return false;
    if (!value.parameter) return true;
    return std::any_of(graph_.assignments.begin(), graph_.assignments.end(),
                       [&](const ir::Assignment& a) {
                         return index_of(a.parameter) == source && a.value == node.output();
                       });
  }

  void take_over(std::size_t n, ir::ValueId operand) {
    const ir::Node& node = graph_.nodes[n];
    std::size_t source = storage_[index_of(operand)];
    const ir::Value& value = graph_.values[source];
    if (value.weight) return;
    if (!node.op->is_view()) {
      bool dies_here = last_use_[source] <= static_cast<int>(n);
      // Read a second time, as in x + linear(x), it would be overwritten while it is read.
      auto reads = std::count_if(node.inputs.begin(), node.inputs.end(),
                                 [&](ir::ValueId id) { return storage_[index_of(id)] == source; });
      if (!may_write(node, source) || !dies_here || reads > 1 ||
          value.type.bytes() < graph_.type(node.output()).bytes())
        return;
    }
    share(index_of(node.output()), source);
  }

  // What is assigned is made in the parameter's place if the old content is no longer read.
  void move_in(std::size_t n, ir::ValueId parameter, ir::ValueId value) {
    if (storage_[index_of(value)] != index_of(value)) return;
    if (last_use_[index_of(parameter)] < static_cast<int>(n))
      share(index_of(value), index_of(parameter));
  }

  const ir::Graph& graph_;
  const std::vector<NodeNeeds>& needs_;
  std::vector<int>& last_use_;
  std::vector<std::size_t> storage_;
};

}  // namespace

std::size_t count_steady_nodes(const ir::Graph& graph) {
  auto steady = [&](ir::ValueId id, std::size_t before) {
    const ir::Value& value = graph.value(id);
    if (value.producer < 0) return value.steady || value.weight.has_value();
    return value.producer < static_cast<int>(before);
  };
  auto is_steady = [&](const ir::Node& node, std::size_t before) {
    return std::all_of(node.inputs.begin(), node.inputs.end(),
                       [&](ir::ValueId id) { return steady(id, before); }) &&
           std::none_of(node.outputs.begin(), node.outputs.end(),
                        [&](ir::ValueId id) { return is_assigned(graph, id); });
  };
  std::size_t count = 0;
  while (count < graph.nodes.size() && is_steady(graph.nodes[count], count)) ++count;
  return count;
}

std::vector<int> last_uses(const ir::Graph& graph, const Plan& plan) {
  const int end = static_cast<int>(graph.nodes.size());
  std::vector<int> last(graph.values.size(), -1);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    for (ir::ValueId id : graph.nodes[n].inputs) last[index_of(id)] = static_cast<int>(n);
  }
  for (const ir::Output& out : graph.outputs) last[index_of(out.value)] = end;
  for (const ir::Assignment& assignment : graph.assignments) last[index_of(assignment.value)] = end;
  for (std::size_t n = plan.steady_nodes; n < graph.nodes.size() && plan.layout.keeps_steady; ++n) {
    for (ir::ValueId id : graph.nodes[n].inputs) {
      const ir::Value& value = graph.value(id);
      bool kept = value.is_input()
                      ? value.steady
                      : value.producer >= 0 && value.producer < static_cast<int>(plan.steady_nodes);
      if (kept) last[index_of(id)] = end;
    }
  }
  // A view keeps what it looks at alive. Backwards, so that a view of a view reaches the bottom.
  for (std::size_t n = graph.nodes.size(); n-- > 0;) {
    const ir::Node& node = graph.nodes[n];
    if (!node.op->is_view()) continue;
    int& source = last[index_of(node.inputs[0])];
    source = std::max(source, last[index_of(node.output())]);
  }
  return last;
}

std::vector<std::size_t> storage_of(const ir::Graph& graph, const std::vector<NodeNeeds>& needs,
                                    std::vector<int>& last_use) {
  return Sharing(graph, needs, last_use).run();
}

std::vector<int> arrivals(const Plan& plan) {
  std::vector<int> first(plan.nodes.size());
  int previous = -1;
  for (std::size_t n = 0; n < plan.nodes.size(); ++n) {
    int step = static_cast<int>(n);
    first[n] = plan.layout.prefetches && previous >= 0 ? previous : step;
    const auto& weights = plan.nodes[n].weights;
    if (std::any_of(weights.begin(), weights.end(),
                    [&](std::size_t w) { return !plan.weights[w].resident; }))
      previous = step;
  }
  return first;
}

}  // namespace obscura::plan
