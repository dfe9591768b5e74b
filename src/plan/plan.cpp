#include "plan/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "plan/packing.h"

namespace obscura::plan {
namespace {

double gib(std::size_t bytes) {
  return static_cast<double>(bytes) / (1 << 30);
}

// The streamed node before each streamed node's own, from which on its weights may arrive.
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

// The value whose memory each value uses: itself, or what it views or takes over.
std::vector<std::size_t> storage_of(const ir::Graph& graph, const std::vector<NodeNeeds>& needs,
                                    std::vector<int>& last_use) {
  std::vector<std::size_t> storage(graph.values.size());
  std::iota(storage.begin(), storage.end(), std::size_t{0});
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const ir::Node& node = graph.nodes[n];
    std::size_t output = index_of(node.output);
    int taken = node.op->is_view() ? 0 : needs[n].in_place_operand;
    if (taken < 0) continue;
    std::size_t source = storage[index_of(node.inputs[static_cast<std::size_t>(taken)])];
    const ir::Value& value = graph.values[source];
    // A view of an input is the input; but nobody writes into what the caller lent.
    if (value.weight || (value.is_input() && !node.op->is_view())) continue;
    bool dies_here = last_use[source] <= static_cast<int>(n);
    // Read a second time, as x in x + linear(x), it would be overwritten while it is read.
    auto reads = std::count_if(node.inputs.begin(), node.inputs.end(),
                               [&](ir::ValueId id) { return storage[index_of(id)] == source; });
    if (!node.op->is_view() &&
        (!dies_here || reads > 1 || value.type.bytes() < graph.type(node.output).bytes()))
      continue;
    storage[output] = source;
    last_use[source] = std::max(last_use[source], last_use[output]);
  }
  return storage;
}

// How many leading nodes read nothing but steady inputs, weights and one another's results.
std::size_t count_steady_nodes(const ir::Graph& graph) {
  auto steady = [&](ir::ValueId id, std::size_t before) {
    const ir::Value& value = graph.value(id);
    if (value.is_input()) return value.steady;
    return value.weight.has_value() || value.producer < static_cast<int>(before);
  };
  std::size_t count = 0;
  while (count < graph.nodes.size() &&
         std::all_of(graph.nodes[count].inputs.begin(), graph.nodes[count].inputs.end(),
                     [&](ir::ValueId id) { return steady(id, count); })) {
    ++count;
  }
  return count;
}

// The last step that reads each value, or -1; outputs live to the end, and so does what the steady
// nodes leave to the others.
std::vector<int> last_uses(const ir::Graph& graph, const Plan& plan) {
  std::vector<int> last(graph.values.size(), -1);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    for (ir::ValueId id : graph.nodes[n].inputs) last[index_of(id)] = static_cast<int>(n);
  }
  for (const ir::Output& out : graph.outputs)
    last[index_of(out.value)] = static_cast<int>(graph.nodes.size());
  for (std::size_t n = plan.steady_nodes; n < graph.nodes.size() && plan.layout.keeps_steady; ++n) {
    for (ir::ValueId id : graph.nodes[n].inputs) {
      const ir::Value& value = graph.value(id);
      bool kept = value.is_input()
                      ? value.steady
                      : value.producer >= 0 && value.producer < static_cast<int>(plan.steady_nodes);
      if (kept) last[index_of(id)] = static_cast<int>(graph.nodes.size());
    }
  }
  // A view keeps what it looks at alive. Backwards, so that a view of a view reaches the bottom.
  for (std::size_t n = graph.nodes.size(); n-- > 0;) {
    const ir::Node& node = graph.nodes[n];
    if (!node.op->is_view()) continue;
    int& source = last[index_of(node.inputs[0])];
    source = std::max(source, last[index_of(node.output)]);
  }
  return last;
}

class Planner {
 public:
  Planner(const ir::Graph& graph, const std::vector<NodeNeeds>& needs, Layout layout)
      : graph_(graph), needs_(needs) {
    plan_.layout = layout;
    plan_.steady_nodes = layout.keeps_steady ? count_steady_nodes(graph) : 0;
    last_use_ = last_uses(graph, plan_);
    storage_ = storage_of(graph, needs, last_use_);
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
    if (plan_.arena_bytes > budget) {
      return Error(
          ErrorKind::kOutOfMemory,
          fmt::format(
              "{} needs {:.2f} GiB even with every weight streamed; the budget leaves {:.2f} GiB, "
              "so {} bytes are lacking",
              graph_.name, gib(plan_.arena_bytes), gib(budget), plan_.arena_bytes - budget));
    }
    // The cost of streaming is proportional to size: small weights first keep the most nodes free
    // of it.
    std::size_t room = budget - plan_.arena_bytes;
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
    if (plan_.layout.holds_inputs_and_outputs) {
      place_inputs(all);
    } else {
      locate_inputs_and_outputs();
    }
    std::vector<int> arrival = arrivals(plan_);
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      std::size_t value = index_of(graph_.nodes[n].output);
      Location& location = plan_.values[value];
      if (storage_[value] == value && location.place == Location::Place::kNone) {
        location.place = Location::Place::kArena;
        int first = static_cast<int>(n), last = std::max(last_use_[value], first);
        all.push_back({Buffer{graph_.values[value].type.bytes(), first, last}, &location.offset});
      }
      plan_.nodes[n].arrival = static_cast<std::size_t>(arrival[n]);
      add_temporaries(n, arrival[n], all);
    }
    return all;
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
    plan_.arena_bytes = pack(packed, plan_.layout.piece_bytes);
    for (std::size_t i = 0; i < all.size(); ++i) *all[i].second = packed[i].offset;
    for (std::size_t v = 0; v < storage_.size(); ++v) plan_.values[v] = plan_.values[storage_[v]];
    plan_.resident_weight_bytes = plan_.streamed_weight_bytes = 0;
    for (const PlannedWeight& weight : plan_.weights) {
      (weight.resident ? plan_.resident_weight_bytes : plan_.streamed_weight_bytes) += weight.bytes;
    }
  }

 private:
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
  Plan plan_;
};

// Whether each buffer can be had in one allocation.
Status check_pieces(const ir::Graph& graph, const std::vector<NodeNeeds>& needs,
                    const Layout& layout) {
  if (layout.piece_bytes == 0) return {};
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const ir::Node& node = graph.nodes[n];
    std::size_t most = std::max(needs[n].workspace_bytes, graph.type(node.output).bytes());
    for (const WeightNeed& need : needs[n].weights)
      most = std::max({most, need.bytes, need.staging_bytes});
    if (most <= layout.piece_bytes) continue;
    return Error(ErrorKind::kOutOfMemory,
                 fmt::format("{}, {}: needs {:.2f} GiB in one piece; the device gives {:.2f} GiB",
                             graph.name, node.scope, gib(most), gib(layout.piece_bytes)));
  }
  return {};
}

// What a range of the arena holds up to a step.
struct Live {
  std::size_t begin, end;
  int last;
  std::string what;
};

// Whether several operands of the node stand at this place.
bool reads_twice(const ir::Node& node, const Plan& plan, const Location& location) {
  return std::count_if(node.inputs.begin(), node.inputs.end(), [&](ir::ValueId id) {
           const Location& operand = plan.values[index_of(id)];
           return operand.place == location.place && operand.offset == location.offset;
         }) > 1;
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

Status check_plan(const ir::Graph& graph, const std::vector<NodeNeeds>& needs, const Plan& plan) {
  auto broken = [&](const std::string& what) {
    return Error(ErrorKind::kInternal, "plan of " + graph.name + ": " + what);
  };
  // Replays the run and remembers which value's content each live byte range holds: an independent
  // view of the offsets.
  std::vector<int> last = last_uses(graph, plan);
  std::vector<int> arrival = arrivals(plan);
  std::vector<Live> live;
  auto occupy = [&](std::size_t offset, std::size_t bytes, int step, int until,
                    const std::string& what) -> Status {
    if (offset == kNowhere || offset % kAlignment != 0 || offset + bytes > plan.arena_bytes) {
      return broken(what + " lies outside the arena");
    }
    const std::size_t piece = plan.layout.piece_bytes;
    if (piece > 0 && bytes > 0 && offset / piece != (offset + bytes - 1) / piece)
      return broken(what + " lies across two pieces");
    for (const Live& other : live) {
      if (other.last >= step && offset < other.end && other.begin < offset + bytes) {
        return broken(fmt::format("{} overwrites {} in step {}", what, other.what, step));
      }
    }
    live.push_back({offset, offset + bytes, until, what});
    return {};
  };
  if (plan.layout.holds_inputs_and_outputs) {
    for (ir::ValueId id : graph.inputs) {
      OBSCURA_TRY(occupy(plan.values[index_of(id)].offset, graph.type(id).bytes(), 0,
                         last[index_of(id)], "input " + graph.value(id).name));
    }
  }
  // Outside the arena the same rule holds by name: an output's memory is written once, or taken
  // over.
  std::map<std::size_t, int> output_busy_until;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const ir::Node& node = graph.nodes[n];
    int step = static_cast<int>(n);
    std::erase_if(live, [&](const Live& entry) { return entry.last < step; });
    std::string name = fmt::format("{} ({})", node.scope, n);
    const PlannedNode& planned = plan.nodes[n];
    std::size_t kept = live.size();
    if (needs[n].workspace_bytes > 0) {
      OBSCURA_TRY(occupy(planned.workspace_offset, needs[n].workspace_bytes, step, step,
                         "workspace of " + name));
    }
    // All weights that arrive from this step on, be it for a later node.
    for (std::size_t m = n; m < graph.nodes.size(); ++m) {
      if (arrival[m] > step) break;
      for (std::size_t w = 0; arrival[m] == step && w < plan.nodes[m].weights.size(); ++w) {
        if (plan.weights[plan.nodes[m].weights[w]].resident) continue;
        OBSCURA_TRY(occupy(plan.nodes[m].weight_offsets[w], needs[m].weights[w].bytes, step,
                           static_cast<int>(m), "weight of " + graph.nodes[m].scope));
      }
    }
    for (std::size_t w = 0; w < planned.weights.size(); ++w) {
      if (plan.weights[planned.weights[w]].resident) continue;
      if (needs[n].weights[w].staging_bytes == 0) continue;
      OBSCURA_TRY(occupy(planned.staging_offsets[w], needs[n].weights[w].staging_bytes, step, step,
                         "staging of " + name));
    }
    const Location& location = plan.values[index_of(node.output)];
    int until = std::max(last[index_of(node.output)], step);
    int taken = node.op->is_view() ? 0 : needs[n].in_place_operand;
    const Location* source = nullptr;
    if (taken >= 0) source = &plan.values[index_of(node.inputs[static_cast<std::size_t>(taken)])];
    bool shares =
        source != nullptr && source->place == location.place && source->offset == location.offset;
    if (!node.op->is_view() && reads_twice(node, plan, location))
      return broken(name + " overwrites an operand that it reads twice");
    if (location.place == Location::Place::kInput) {
      if (!shares || !node.op->is_view()) return broken(name + " writes into an input");
      continue;
    }
    if (location.place == Location::Place::kOutput) {
      auto busy = output_busy_until.find(location.offset);
      bool view = shares && node.op->is_view();
      if (!view && busy != output_busy_until.end() && busy->second > (shares ? step : step - 1)) {
        return broken(name + " overwrites an output");
      }
      int& end = output_busy_until[location.offset];
      end = std::max(end, until);
      continue;
    }
    if (location.place != Location::Place::kArena) return broken(name + " has no place");
    std::size_t offset = location.offset;
    if (shares) {
      // The result may stand where that operand stands, if the operand ends here or the result is
      // only a view of it.
      auto same = std::find_if(live.begin(), live.begin() + static_cast<std::ptrdiff_t>(kept),
                               [&](const Live& entry) { return entry.begin == offset; });
      if (same != live.begin() + static_cast<std::ptrdiff_t>(kept)) {
        if (!node.op->is_view() && same->last > step)
          return broken(name + " overwrites an operand that is read later");
        same->last = std::max(same->last, until);
        continue;
      }
    }
    OBSCURA_TRY(occupy(offset, graph.type(node.output).bytes(), step, until, "result of " + name));
  }
  return {};
}

}  // namespace obscura::plan
