#include "plan/hazards.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "plan/random_network.h"

namespace obscura::plan {
namespace {

using test::RandomNetwork;

// Places of kAlignment bytes, which no two buffers share in part, by a name for the memory and a
// number.
using Granules = std::set<std::pair<std::size_t, std::size_t>>;

constexpr std::size_t kArenaMemory = 0, kInputMemory = 1000, kOutputMemory = 2000,
                      kParameterMemory = 3000;

struct Touched {
  Granules read, written;
};

// What a node touches, byte for byte, found without looking at intervals.
Touched touched(const RandomNetwork& network, const Plan& plan, std::size_t n) {
  auto fill = [](Granules& granules, std::size_t memory, std::size_t offset, std::size_t bytes) {
    for (std::size_t at = offset; at < offset + bytes; at += kAlignment)
      granules.emplace(memory, at / kAlignment);
  };
  auto value = [&](Granules& granules, ir::ValueId id) {
    const Location& location = plan.values[index_of(id)];
    const std::size_t bytes = network.graph.type(id).bytes();
    if (location.place == Location::Place::kArena)
      fill(granules, kArenaMemory, location.offset, bytes);
    if (location.place == Location::Place::kInput)
      fill(granules, kInputMemory + location.offset, 0, bytes);
    if (location.place == Location::Place::kOutput)
      fill(granules, kOutputMemory + location.offset, 0, bytes);
    if (location.place == Location::Place::kParameter)
      fill(granules, kParameterMemory, location.offset, bytes);
  };
  const ir::Node& node = network.graph.nodes[n];
  Touched all;
  if (node.op->is_view()) return all;
  for (ir::ValueId id : node.inputs) value(all.read, id);
  for (ir::ValueId id : node.outputs) value(all.written, id);
  const NodeNeeds& needs = network.needs[n];
  fill(all.written, kArenaMemory, plan.nodes[n].workspace_offset, needs.workspace_bytes);
  for (std::size_t w = 0; w < needs.weights.size(); ++w) {
    if (plan.weights[plan.nodes[n].weights[w]].resident) continue;
    Granules& granules = plan.layout.prefetches ? all.read : all.written;
    fill(granules, kArenaMemory, plan.nodes[n].weight_offsets[w], needs.weights[w].bytes);
    fill(granules, kArenaMemory, plan.nodes[n].staging_offsets[w], needs.weights[w].staging_bytes);
  }
  return all;
}

bool meet(const Granules& a, const Granules& b) {
  for (const auto& granule : a)
    if (b.count(granule) > 0) return true;
  return false;
}

bool conflict(const Touched& earlier, const Touched& later) {
  return meet(earlier.written, later.read) || meet(earlier.read, later.written) ||
         meet(earlier.written, later.written);
}

// Between any two nodes that touch the same bytes, one of them writing, there is a wait; and each
// wait is there for such a pair that no earlier one keeps apart.
void expect_just_enough(const RandomNetwork& network, const Plan& plan) {
  const std::vector<bool> waits = hazards(network.graph, network.needs, plan);
  std::vector<Touched> nodes;
  for (std::size_t n = 0; n < network.graph.nodes.size(); ++n)
    nodes.push_back(touched(network, plan, n));
  std::size_t last = 0;  // the node that the last wait stands before
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    bool needed = false;
    for (std::size_t earlier = last; earlier < n; ++earlier)
      needed = needed || conflict(nodes[earlier], nodes[n]);
    ASSERT_EQ(waits[n], needed) << "node " << n;
    if (waits[n]) last = n;
  }
}

TEST(Hazards, KeepApartWhatMeetsAndNothingElse) {
  int waits = 0, free = 0;
  for (unsigned seed = 0; seed < 150; ++seed) {
    RandomNetwork network(seed, true);
    for (int kind = 0; kind < 4; ++kind) {
      const Layout layout{.holds_inputs_and_outputs = kind % 2 == 1, .prefetches = kind >= 2};
      const std::size_t whole =
          make_plan(network.graph, network.needs, std::nullopt, layout)->peak_bytes();
      for (std::size_t budget : {whole, whole * 7 / 10}) {
        auto plan = make_plan(network.graph, network.needs, budget, layout);
        if (!plan.ok()) continue;
        expect_just_enough(network, *plan);
        for (bool wait : hazards(network.graph, network.needs, *plan)) ++(wait ? waits : free);
      }
    }
  }
  EXPECT_GT(waits, 1000);
  EXPECT_GT(free, 1000);
}

}  // namespace
}  // namespace obscura::plan
