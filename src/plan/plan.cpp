#include "plan/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "base/memory_text.h"
#include "plan/lifetimes.h"
#include "plan/packing.h"

namespace obscura::plan {
namespace {

class Planner {
 public:
  Planner(const ir::Graph& graph, const std::vector<NodeNeeds>& needs, Layout layout)
      : graph_(graph), needs_(needs) {
    plan_.layout = layout;
    plan_.steady_nodes = layout.keeps_steady ? count_steady_nodes(graph) : 0;
    last_use_ = last_uses(graph, plan_);
    storage_ = storage_of(graph, needs, last_use_);
    lay_out_parameters();
    collect_weights();
  }

  // All weights resident.
  Plan whole() {
    for (PlannedWeight& weight : plan_.weights) weight.resident = true;
    place();
    return plan_;
  }

  Result<Plan> within(std::size_t budget) {
    Plan all = whole();
    if (all.peak_bytes() <= budget) return all;
    for (PlannedWeight& weight : plan_.weights) weight.resident = false;
    place();
    const std::size_t least = plan_.peak_bytes();
    if (least > budget) {
      return Error(
          ErrorKind::kOutOfMemory,
          fmt::format(
              "{} needs {} even with every weight streamed; the budget leaves {}: {} are lacking",
              graph_.name, memory_text(least), memory_text(budget), memory_text(least - budget)));
    }
    // The cost of streaming is proportional to size: small weights first keep the most nodes free
    // of it.
    std::size_t room = budget - least;
    std::vector<std::size_t> order(plan_.weights.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return plan_.weights[a].bytes < plan_.weights[b].bytes;
    });
    for (std::size_t index : order) {
      PlannedWeight& weight = plan_.weights[index];
      if (weight.bytes > room) break;
      weight.resident = true;
      room -= weight.bytes;
    }
    place();
    // Packing is a heuristic: with other buffers it may, rarely, waste more.
    while (plan_.peak_bytes() > budget) {
      release_largest_resident();
      place();
    }
    return plan_;
  }

  // The buffers of the arena under the present choice of resident weights, in a fixed order, each
  // with the place where its offset is kept.
  std::vector<std::pair<Buffer, std::size_t*>> buffers() {
    std::vector<std::pair<Buffer, std::size_t*>> all;
    plan_.values.assign(graph_.values.size(), Location{});
    for (std::size_t i = 0; i < graph_.parameters.size(); ++i)
      plan_.values[index_of(graph_.parameters[i])] = {Location::Place::kParameter,
                                                      parameter_offsets_[i]};
    if (plan_.layout.holds_inputs_and_outputs) {
      place_inputs(all);
    } else {
      locate_inputs_and_outputs();
    }
    std::vector<int> arrival = arrivals(plan_);
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      for (ir::ValueId id : graph_.nodes[n].outputs) place_result(id, n, all);
      plan_.nodes[n].arrival = static_cast<std::size_t>(arrival[n]);
      add_temporaries(n, arrival[n], all);
    }
    return all;
  }

  void place_result(ir::ValueId id, std::size_t n,
                    std::vector<std::pair<Buffer, std::size_t*>>& all) {
    std::size_t value = index_of(id);
    Location& location = plan_.values[value];
    if (storage_[value] != value || location.place != Location::Place::kNone) return;
    location.place = Location::Place::kArena;
    int first = static_cast<int>(n), last = std::max(last_use_[value], first);
    all.push_back({Buffer{graph_.values[value].type.bytes(), first, last}, &location.offset});
  }

  // Inputs are read where the caller has them, results made where the caller wants them. An output
  // that is another output, or an input, under a second name stays where that is.
  void locate_inputs_and_outputs() {
    for (std::size_t i = 0; i < graph_.inputs.size(); ++i) {
      plan_.values[index_of(graph_.inputs[i])] = {Location::Place::kInput, i};
    }
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
      std::size_t value = index_of(graph_.outputs[i].value), root = storage_[value];
      bool whole = graph_.values[root].type.bytes() == graph_.values[value].type.bytes();
      if (plan_.values[root].place == Location::Place::kNone && whole &&
          !graph_.values[root].weight) {
        plan_.values[root] = {Location::Place::kOutput, i};
      }
    }
  }

  void place_inputs(std::vector<std::pair<Buffer, std::size_t*>>& all) {
    for (ir::ValueId id : graph_.inputs) {
      std::size_t value = index_of(id);
      Location& location = plan_.values[value];
      location.place = Location::Place::kArena;
      all.push_back({Buffer{graph_.values[value].type.bytes(), 0, std::max(last_use_[value], 0)},
                     &location.offset});
    }
  }

  void place() {
    auto all = buffers();
    std::vector<Buffer> packed;
    for (auto& [buffer, target] : all) packed.push_back(buffer);
    plan_.arena_bytes = std::max(pack(packed, plan_.layout.piece_bytes), staging_of_resident());
    for (std::size_t i = 0; i < all.size(); ++i) *all[i].second = packed[i].offset;
    for (std::size_t v = 0; v < storage_.size(); ++v) plan_.values[v] = plan_.values[storage_[v]];
    plan_.resident_weight_bytes = plan_.streamed_weight_bytes = 0;
    for (const PlannedWeight& weight : plan_.weights) {
      (weight.resident ? plan_.resident_weight_bytes : plan_.streamed_weight_bytes) += weight.bytes;
    }
  }

 private:
  // Resident weights pass through the arena as well, before anything runs, one after the other. A
  // device that prefetches has streamed ones ready by then, and stages none in the arena.
  std::size_t staging_of_resident() const {
    std::size_t most = 0;
    for (std::size_t n = 0; n < needs_.size() && !plan_.layout.prefetches; ++n)
      for (std::size_t w = 0; w < needs_[n].weights.size(); ++w)
        if (plan_.weights[plan_.nodes[n].weights[w]].resident)
          most = std::max(most, needs_[n].weights[w].staging_bytes);
    return most;
  }

  void lay_out_parameters() {
    std::vector<std::size_t> sizes;
    for (ir::ValueId id : graph_.parameters) sizes.push_back(aligned(graph_.type(id).bytes()));
    const std::size_t piece_bytes = plan_.layout.piece_bytes;
    const Pieces pieces = fill_pieces(sizes, piece_bytes);
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      parameter_offsets_.push_back(pieces.places[i].piece * piece_bytes + pieces.places[i].offset);
      plan_.parameter_bytes = parameter_offsets_.back() + sizes[i];
    }
  }

  void release_largest_resident() {
    PlannedWeight* largest = nullptr;
    for (PlannedWeight& weight : plan_.weights) {
      if (weight.resident && (largest == nullptr || weight.bytes > largest->bytes))
        largest = &weight;
    }
    OBSCURA_CHECK(largest != nullptr,
                  "an arena that fitted with every weight streamed no longer does");
    largest->resident = false;
  }

  void collect_weights() {
    std::map<std::pair<std::size_t, std::string>, std::size_t> known;
    plan_.nodes.resize(graph_.nodes.size());
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      PlannedNode& node = plan_.nodes[n];
      for (const WeightNeed& need : needs_[n].weights) {
        ir::ValueId value = graph_.nodes[n].inputs[need.operand];
        auto [entry, inserted] =
            known.try_emplace({index_of(value), need.form}, plan_.weights.size());
        if (inserted) plan_.weights.push_back({value, need.bytes, need.form, true});
        node.weights.push_back(entry->second);
      }
      node.weight_offsets.assign(needs_[n].weights.size(), kNowhere);
      node.staging_offsets.assign(needs_[n].weights.size(), kNowhere);
    }
  }

  void add_temporaries(std::size_t n, int arrival,
                       std::vector<std::pair<Buffer, std::size_t*>>& all) {
    int step = static_cast<int>(n);
    PlannedNode& node = plan_.nodes[n];
    if (needs_[n].workspace_bytes > 0) {
      all.push_back({Buffer{needs_[n].workspace_bytes, step, step}, &node.workspace_offset});
    }
    for (std::size_t w = 0; w < node.weights.size(); ++w) {
      node.weight_offsets[w] = node.staging_offsets[w] = kNowhere;
      if (plan_.weights[node.weights[w]].resident) continue;
      const WeightNeed& need = needs_[n].weights[w];
      all.push_back({Buffer{need.bytes, arrival, step}, &node.weight_offsets[w]});
      if (need.staging_bytes > 0)
        all.push_back({Buffer{need.staging_bytes, step, step}, &node.staging_offsets[w]});
    }
  }

  const ir::Graph& graph_;
  const std::vector<NodeNeeds>& needs_;
  std::vector<int> last_use_;
  std::vector<std::size_t> storage_;
  std::vector<std::size_t> parameter_offsets_;  // parallel to the graph's parameters
  Plan plan_;
};

// Whether each buffer can be had in one allocation.
Status check_pieces(const ir::Graph& graph, const std::vector<NodeNeeds>& needs,
                    const Layout& layout) {
  if (layout.piece_bytes == 0) return {};
  for (ir::ValueId id : graph.parameters) {
    if (graph.type(id).bytes() <= layout.piece_bytes) continue;
    return Error(ErrorKind::kOutOfMemory,
                 fmt::format("{}, parameter {}: needs {} in one piece; the device gives {}",
                             graph.name, graph.value(id).name, memory_text(graph.type(id).bytes()),
                             memory_text(layout.piece_bytes)));
  }
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const ir::Node& node = graph.nodes[n];
    std::size_t most = needs[n].workspace_bytes;
    for (ir::ValueId id : node.outputs) most = std::max(most, graph.type(id).bytes());
    for (const WeightNeed& need : needs[n].weights)
      most = std::max({most, need.bytes, need.staging_bytes});
    if (most <= layout.piece_bytes) continue;
    return Error(ErrorKind::kOutOfMemory,
                 fmt::format("{}, {}: needs {} in one piece; the device gives {}", graph.name,
                             node.scope, memory_text(most), memory_text(layout.piece_bytes)));
  }
  return {};
}

}  // namespace

NodeNeeds with_plain_weights(NodeNeeds needs, const ir::Graph& graph, const ir::Node& node) {
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const ir::Value& value = graph.value(node.inputs[i]);
    bool listed = std::any_of(needs.weights.begin(), needs.weights.end(),
                              [&](const WeightNeed& need) { return need.operand == i; });
    if (!value.weight || listed) continue;
    needs.weights.push_back(
        {.operand = i, .bytes = value.type.bytes(), .staging_bytes = 0, .form = "plain"});
  }
  return needs;
}

bool can_prepare_weights(const NodeNeeds& needs, const ir::Graph& graph, const ir::Node& node) {
  return std::all_of(needs.weights.begin(), needs.weights.end(), [&](const WeightNeed& need) {
    return graph.value(node.inputs[need.operand]).weight.has_value();
  });
}

Result<Plan> make_plan(const ir::Graph& graph, const std::vector<NodeNeeds>& needs,
                       std::optional<std::size_t> budget, Layout layout) {
  OBSCURA_CHECK(needs.size() == graph.nodes.size(), "a plan needs the needs of every node");
  OBSCURA_TRY(check_pieces(graph, needs, layout));
  Planner planner(graph, needs, layout);
  if (!budget) return planner.whole();
  Result<Plan> plan = planner.within(*budget);
  if (plan.ok() || !layout.keeps_steady) return plan;
  // Keeping what could be computed anew is the first thing to give up.
  layout.keeps_steady = false;
  return Planner(graph, needs, layout).within(*budget);
}

}  // namespace obscura::plan
