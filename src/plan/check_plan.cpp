#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "plan/lifetimes.h"
#include "plan/plan.h"

namespace obscura::plan {
namespace {

using Place = Location::Place;

// What a range of the arena holds up to a step.
struct Live {
  std::size_t begin, end;
  int last;
  std::string what;
};

// Whether several operands of the node stand at this place.
bool reads_twice(const ir::Node& node, const Plan& plan, const Location& location) {
  return std::count_if(node.inputs.begin(), node.inputs.end(),
                       [&](ir::ValueId id) { return plan.values[index_of(id)] == location; }) > 1;
}

// Replays the run and remembers which value's content each live byte range holds: an independent
// view of the offsets.
class PlanCheck {
 public:
  PlanCheck(const ir::Graph& graph, const std::vector<NodeNeeds>& needs, const Plan& plan)
      : graph_(graph),
        needs_(needs),
        plan_(plan),
        last_(last_uses(graph, plan)),
        arrival_(arrivals(plan)) {}

  Status run() {
    OBSCURA_TRY(check_parameters());
    if (plan_.layout.holds_inputs_and_outputs) {
      for (ir::ValueId id : graph_.inputs) {
        OBSCURA_TRY(occupy(plan_.values[index_of(id)].offset, graph_.type(id).bytes(), 0,
                           last_[index_of(id)], "input " + graph_.value(id).name));
      }
    }
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) OBSCURA_TRY(check_node(n));
    return {};
  }

 private:
  Error broken(const std::string& what) const {
    return Error(ErrorKind::kInternal, "plan of " + graph_.name + ": " + what);
  }

  Status check_parameters() const {
    std::size_t free = 0;  // they lie in their order
    for (ir::ValueId id : graph_.parameters) {
      const Location& location = plan_.values[index_of(id)];
      const std::size_t end = location.offset + graph_.type(id).bytes();
      if (location.place != Place::kParameter || location.offset % kAlignment != 0 ||
          location.offset < free || end > plan_.parameter_bytes)
        return broken("parameter " + graph_.value(id).name + " has no place of its own");
      OBSCURA_TRY(check_piece(location.offset, end, "parameter " + graph_.value(id).name));
      free = end;
    }
    return {};
  }

  Status check_piece(std::size_t begin, std::size_t end, const std::string& what) const {
    const std::size_t piece = plan_.layout.piece_bytes;
    if (piece > 0 && begin < end && begin / piece != (end - 1) / piece)
      return broken(what + " lies across two pieces");
    return {};
  }

  Status occupy(std::size_t offset, std::size_t bytes, int step, int until,
                const std::string& what) {
    if (offset == kNowhere || offset % kAlignment != 0 || offset + bytes > plan_.arena_bytes) {
      return broken(what + " lies outside the arena");
    }
    OBSCURA_TRY(check_piece(offset, offset + bytes, what));
    for (const Live& other : live_) {
      if (other.last >= step && offset < other.end && other.begin < offset + bytes) {
        return broken(fmt::format("{} overwrites {} in step {}", what, other.what, step));
      }
    }
    live_.push_back({offset, offset + bytes, until, what});
    return {};
  }

  Status check_node(std::size_t n) {
    const ir::Node& node = graph_.nodes[n];
    std::erase_if(live_, [&](const Live& entry) { return entry.last < static_cast<int>(n); });
    const std::size_t operands = live_.size();
    OBSCURA_TRY(check_temporaries(n));
    for (ir::ValueId id : node.outputs) OBSCURA_TRY(check_result(n, id, operands));
    return {};
  }

  std::string name_of(std::size_t n) const {
    return fmt::format("{} ({})", graph_.nodes[n].scope, n);
  }

  bool is_streamed(std::size_t n, std::size_t w) const {
    return !plan_.weights[plan_.nodes[n].weights[w]].resident;
  }

  Status check_temporaries(std::size_t n) {
    const PlannedNode& planned = plan_.nodes[n];
    int step = static_cast<int>(n);
    if (needs_[n].workspace_bytes > 0) {
      OBSCURA_TRY(occupy(planned.workspace_offset, needs_[n].workspace_bytes, step, step,
                         "workspace of " + name_of(n)));
    }
    // All weights that arrive from this step on, be it for a later node.
    for (std::size_t m = n; m < graph_.nodes.size() && arrival_[m] <= step; ++m) {
      for (std::size_t w = 0; arrival_[m] == step && w < plan_.nodes[m].weights.size(); ++w) {
        if (!is_streamed(m, w)) continue;
        OBSCURA_TRY(occupy(plan_.nodes[m].weight_offsets[w], needs_[m].weights[w].bytes, step,
                           static_cast<int>(m), "weight of " + graph_.nodes[m].scope));
      }
    }
    for (std::size_t w = 0; w < planned.weights.size(); ++w) {
      if (!is_streamed(n, w) || needs_[n].weights[w].staging_bytes == 0) continue;
      OBSCURA_TRY(occupy(planned.staging_offsets[w], needs_[n].weights[w].staging_bytes, step, step,
                         "staging of " + name_of(n)));
    }
    return {};
  }

  // Whether the result stands where the operand stands that it views or may take over.
  bool shares_operand(std::size_t n, ir::ValueId id) const {
    const ir::Node& node = graph_.nodes[n];
    int taken = node.op->is_view() ? 0 : needs_[n].in_place_operand;
    if (taken < 0 || id != node.output()) return false;
    return plan_.values[index_of(node.inputs[static_cast<std::size_t>(taken)])] ==
           plan_.values[index_of(id)];
  }

  // The first `operands` of live_ were there before the node's own.
  Status check_result(std::size_t n, ir::ValueId id, std::size_t operands) {
    const ir::Node& node = graph_.nodes[n];
    const Location& location = plan_.values[index_of(id)];
    const bool view = node.op->is_view(), shares = shares_operand(n, id);
    if (!view && reads_twice(node, plan_, location))
      return broken(name_of(n) + " overwrites an operand that it reads twice");
    switch (location.place) {
      case Place::kNone:
        return broken(name_of(n) + " has no place");
      case Place::kInput:
        return shares && view ? Status() : Status(broken(name_of(n) + " writes into an input"));
      case Place::kParameter:
        return shares && view ? Status() : check_assigned(n, id, shares);
      case Place::kOutput:
        return check_output(n, id, shares);
      case Place::kArena:
        break;
    }
    return check_in_arena(n, id, shares, operands);
  }

  // The last step at which the value must be there.
  int until(std::size_t n, ir::ValueId id) const {
    return std::max(last_[index_of(id)], static_cast<int>(n));
  }

  // A parameter's next content stands in its place once nobody reads the old one.
  Status check_assigned(std::size_t n, ir::ValueId id, bool shares) const {
    for (const auto& [parameter, value] : graph_.assignments) {
      if (value != id || plan_.values[index_of(parameter)] != plan_.values[index_of(id)]) continue;
      if (last_[index_of(parameter)] < static_cast<int>(n) + (shares ? 1 : 0)) return {};
      return broken(name_of(n) + " overwrites a parameter that is read later");
    }
    return broken(name_of(n) + " writes into a parameter");
  }

  // Outside the arena the same rule holds by name: an output's memory is written once, or taken
  // over.
  Status check_output(std::size_t n, ir::ValueId id, bool shares) {
    const std::size_t offset = plan_.values[index_of(id)].offset;
    const int step = static_cast<int>(n);
    auto busy = output_busy_until_.find(offset);
    bool view = shares && graph_.nodes[n].op->is_view();
    if (!view && busy != output_busy_until_.end() && busy->second > (shares ? step : step - 1)) {
      return broken(name_of(n) + " overwrites an output");
    }
    int& end = output_busy_until_[offset];
    end = std::max(end, until(n, id));
    return {};
  }

  Status check_in_arena(std::size_t n, ir::ValueId id, bool shares, std::size_t operands) {
    const std::size_t offset = plan_.values[index_of(id)].offset;
    const int step = static_cast<int>(n);
    if (shares) {
      // The result may stand where that operand stands, if the operand ends here or the result is
      // only a view of it.
      auto end = live_.begin() + static_cast<std::ptrdiff_t>(operands);
      auto same = std::find_if(live_.begin(), end,
                               [&](const Live& entry) { return entry.begin == offset; });
      if (same != end) {
        if (!graph_.nodes[n].op->is_view() && same->last > step)
          return broken(name_of(n) + " overwrites an operand that is read later");
        same->last = std::max(same->last, until(n, id));
        return {};
      }
    }
    return occupy(offset, graph_.type(id).bytes(), step, until(n, id), "result of " + name_of(n));
  }

  const ir::Graph& graph_;
  const std::vector<NodeNeeds>& needs_;
  const Plan& plan_;
  const std::vector<int> last_, arrival_;
  std::vector<Live> live_;
  std::map<std::size_t, int> output_busy_until_;
};

}  // namespace

Status check_plan(const ir::Graph& graph, const std::vector<NodeNeeds>& needs, const Plan& plan) {
  return PlanCheck(graph, needs, plan).run();
}

}  // namespace obscura::plan
