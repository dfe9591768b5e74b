#include "plan/hazards.h"

#include <algorithm>
#include <cstddef>

namespace obscura::plan {
namespace {

// Bytes of the arena, or of the memory of one input, output or parameter.
struct Range {
  Location::Place place;
  std::size_t which;  // of the inputs, outputs or parameters; 0 in the arena
  std::size_t begin, end;

  bool meets(const Range& other) const {
    return place == other.place && which == other.which && begin < other.end && other.begin < end;
  }
};

struct Accesses {
  std::vector<Range> reads, writes;

  bool conflict_with(const Accesses& later) const {
    auto meet = [](const std::vector<Range>& a, const std::vector<Range>& b) {
      return std::any_of(a.begin(), a.end(), [&](const Range& x) {
        return std::any_of(b.begin(), b.end(), [&](const Range& y) { return x.meets(y); });
      });
    };
    return meet(writes, later.reads) || meet(reads, later.writes) || meet(writes, later.writes);
  }
  void add(const Accesses& later) {
    reads.insert(reads.end(), later.reads.begin(), later.reads.end());
    writes.insert(writes.end(), later.writes.begin(), later.writes.end());
  }
};

Range in_arena(std::size_t offset, std::size_t bytes) {
  return {Location::Place::kArena, 0, offset, offset + bytes};
}

Range place_of(const ir::Graph& graph, const Plan& plan, ir::ValueId id) {
  const Location& location = plan.values[index_of(id)];
  const std::size_t bytes = graph.type(id).bytes();
  if (location.place == Location::Place::kArena) return in_arena(location.offset, bytes);
  return {location.place, location.offset, 0, bytes};
}

Accesses accesses_of(const ir::Graph& graph, const NodeNeeds& needs, const Plan& plan,
                     std::size_t n) {
  const ir::Node& node = graph.nodes[n];
  const PlannedNode& planned = plan.nodes[n];
  Accesses found;
  if (node.op->is_view()) return found;
  for (ir::ValueId id : node.inputs)
    if (!graph.value(id).weight) found.reads.push_back(place_of(graph, plan, id));
  for (ir::ValueId id : node.outputs) found.writes.push_back(place_of(graph, plan, id));
  if (needs.workspace_bytes > 0)
    found.writes.push_back(in_arena(planned.workspace_offset, needs.workspace_bytes));
  for (std::size_t w = 0; w < planned.weights.size(); ++w) {
    if (plan.weights[planned.weights[w]].resident) continue;
    std::vector<Range>& direction = plan.layout.prefetches ? found.reads : found.writes;
    direction.push_back(in_arena(planned.weight_offsets[w], needs.weights[w].bytes));
    if (needs.weights[w].staging_bytes > 0)
      direction.push_back(in_arena(planned.staging_offsets[w], needs.weights[w].staging_bytes));
  }
  return found;
}

}  // namespace

std::vector<bool> hazards(const ir::Graph& graph, const std::vector<NodeNeeds>& needs,
                          const Plan& plan) {
  std::vector<bool> waits(graph.nodes.size(), false);
  Accesses since;  // the last wait
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    Accesses own = accesses_of(graph, needs[n], plan, n);
    if (since.conflict_with(own)) {
      waits[n] = true;
      since = {};
    }
    since.add(own);
  }
  return waits;
}

}  // namespace obscura::plan
