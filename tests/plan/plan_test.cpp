#include "plan/plan.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "ir/activation.h"
#include "ir/arithmetic.h"
#include "ir/shape_ops.h"
#include "plan/packing.h"
#include "plan/random_network.h"

namespace obscura::plan {
namespace {

using test::RandomNetwork;
using test::SquareWeights;

TEST(Plan, RandomNetworksNeverOverlapAndKeepTheirBudget) {
  int streamed = 0, refused = 0;
  for (unsigned seed = 0; seed < 500; ++seed) {
    RandomNetwork network(seed);
    auto whole = make_plan(network.graph, network.needs, std::nullopt);
    ASSERT_TRUE(whole.ok());
    Status checked = check_plan(network.graph, network.needs, *whole);
    ASSERT_TRUE(checked.ok()) << "seed " << seed << ": " << checked.error().message();
    EXPECT_EQ(whole->streamed_weight_bytes, 0u);
    // Room for what each weight passes through when it is loaded.
    for (const NodeNeeds& needs : network.needs)
      for (const WeightNeed& need : needs.weights)
        EXPECT_GE(whole->arena_bytes, need.staging_bytes) << "seed " << seed;
    for (double part : {0.9, 0.6, 0.3}) {
      auto budget = static_cast<std::size_t>(static_cast<double>(whole->peak_bytes()) * part);
      auto plan = make_plan(network.graph, network.needs, budget);
      if (!plan.ok()) {
        EXPECT_EQ(plan.error().kind(), ErrorKind::kOutOfMemory);
        ++refused;
        continue;
      }
      EXPECT_LE(plan->peak_bytes(), budget);
      checked = check_plan(network.graph, network.needs, *plan);
      ASSERT_TRUE(checked.ok()) << "seed " << seed << ": " << checked.error().message();
      streamed += plan->streamed_weight_bytes > 0;
    }
  }
  // The net has something in it: both kinds of answer occur.
  EXPECT_GT(streamed, 100);
  EXPECT_GT(refused, 100);
}

// As a device with memory of its own plans: everything in the arena, weights ahead of their nodes,
// and the results of steady nodes kept.
TEST(Plan, DeviceLayoutsNeverOverlapAndKeepTheirBudget) {
  constexpr Layout kLayout{
      .holds_inputs_and_outputs = true, .prefetches = true, .keeps_steady = true};
  int streamed = 0, steady = 0;
  for (unsigned seed = 0; seed < 500; ++seed) {
    RandomNetwork network(seed, true);
    for (double part : {1.0, 0.8, 0.5}) {
      std::size_t whole =
          make_plan(network.graph, network.needs, std::nullopt, kLayout)->peak_bytes();
      auto budget = static_cast<std::size_t>(static_cast<double>(whole) * part);
      auto plan = make_plan(network.graph, network.needs, budget, kLayout);
      if (!plan.ok()) continue;
      EXPECT_LE(plan->peak_bytes(), budget);
      Status checked = check_plan(network.graph, network.needs, *plan);
      ASSERT_TRUE(checked.ok()) << "seed " << seed << ": " << checked.error().message();
      streamed += plan->streamed_weight_bytes > 0;
      steady += plan->steady_nodes > 0;
      for (ir::ValueId id : network.graph.inputs)
        EXPECT_EQ(plan->values[index_of(id)].place, Location::Place::kArena);
    }
  }
  EXPECT_GT(streamed, 100);
  EXPECT_GT(steady, 500);
}

// Whatever a later node reads of the steady part must lie untouched when that part is left out.
TEST(Plan, NothingOverwritesWhatSteadyNodesLeave) {
  constexpr Layout kLayout{
      .holds_inputs_and_outputs = true, .prefetches = true, .keeps_steady = true};
  for (unsigned seed = 0; seed < 200; ++seed) {
    RandomNetwork network(seed, true);
    Plan plan = *make_plan(network.graph, network.needs, std::nullopt, kLayout);
    auto place = [&](ir::ValueId id) { return plan.values[index_of(id)].offset; };
    auto bytes = [&](ir::ValueId id) { return network.graph.type(id).bytes(); };
    for (std::size_t n = plan.steady_nodes; n < network.graph.nodes.size(); ++n) {
      for (ir::ValueId id : network.graph.nodes[n].inputs) {
        const ir::Value& value = network.graph.value(id);
        bool kept = value.producer >= 0 ? value.producer < static_cast<int>(plan.steady_nodes)
                                        : value.steady;
        if (!kept) continue;
        for (std::size_t m = plan.steady_nodes; m < network.graph.nodes.size(); ++m) {
          const ir::Node& writer = network.graph.nodes[m];
          if (writer.op->is_view()) continue;
          for (ir::ValueId made : writer.outputs) {
            if (plan.values[index_of(made)].place != Location::Place::kArena) continue;
            EXPECT_TRUE(place(made) >= place(id) + bytes(id) ||
                        place(id) >= place(made) + bytes(made))
                << "seed " << seed << ", node " << m;
          }
        }
      }
    }
  }
}

TEST(Plan, ParametersHavePlacesThatOnlyTheirNextContentTakes) {
  int in_place = 0, copied = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    RandomNetwork network(seed, seed % 2 == 0);
    Plan plan = *make_plan(network.graph, network.needs, std::nullopt,
                           {.holds_inputs_and_outputs = seed % 3 == 0, .keeps_steady = true});
    std::size_t bytes = 0;
    for (ir::ValueId id : network.graph.parameters)
      bytes += aligned(network.graph.type(id).bytes());
    EXPECT_EQ(plan.parameter_bytes, bytes);
    EXPECT_EQ(plan.peak_bytes(), plan.arena_bytes + plan.resident_weight_bytes + bytes);
    for (const auto& [parameter, value] : network.graph.assignments) {
      const Location &to = plan.values[index_of(parameter)], &from = plan.values[index_of(value)];
      EXPECT_EQ(to.place, Location::Place::kParameter);
      (from == to ? in_place : copied) += 1;
    }
  }
  EXPECT_GT(in_place, 50);
  EXPECT_GT(copied, 50);
}

TEST(Plan, CheckerSeesAParameterThatIsOverwrittenTooEarly) {
  SquareWeights weights(16);
  ir::Builder builder("late reader", weights);
  ir::ValueId p = builder.parameter("p", {DType::kF32, {1, 8, 16}});
  ir::ValueId next = ir::activation(builder, p, ir::Activation::kSilu);
  builder.assign(p, next);
  builder.output("y", ir::add(builder, p, next));
  ir::Graph graph = *std::move(builder).finish();
  std::vector<NodeNeeds> needs(2);
  needs[0].in_place_operand = 0;
  Plan plan = *make_plan(graph, needs, std::nullopt);
  EXPECT_TRUE(check_plan(graph, needs, plan).ok());
  EXPECT_EQ(plan.values[index_of(next)].place, Location::Place::kArena);
  plan.values[index_of(next)] = plan.values[index_of(p)];
  EXPECT_FALSE(check_plan(graph, needs, plan).ok());
}

TEST(Plan, CheckerSeesAnOverlap) {
  RandomNetwork network(3);
  Plan plan = *make_plan(network.graph, network.needs, std::nullopt);
  int found = 0;
  for (std::size_t n = 0; n < network.graph.nodes.size(); ++n) {
    Plan spoiled = plan;
    if (network.needs[n].workspace_bytes == 0) continue;
    spoiled.nodes[n].workspace_offset =
        spoiled.values[index_of(network.graph.nodes[n].output())].offset;
    found += !check_plan(network.graph, network.needs, spoiled).ok();
  }
  EXPECT_GT(found, 0);
}

// In x + linear(x) as one node, the sum may not stand where the product still reads x.
TEST(Plan, NothingIsOverwrittenThatItsNodeReadsTwice) {
  SquareWeights weights(16);
  ir::Builder builder("twice", weights);
  ir::ValueId x = builder.input("x", {DType::kF32, {1, 8, 16}});
  ir::ValueId value = ir::activation(builder, x, ir::Activation::kSilu);
  ir::ValueId view = ir::reshape(builder, value, {8, 16});
  ir::ValueId sum = ir::add(builder, ir::reshape(builder, view, {1, 8, 16}), view);
  builder.output("y", ir::activation(builder, sum, ir::Activation::kSilu));
  ir::Graph graph = *std::move(builder).finish();
  std::vector<NodeNeeds> needs(graph.nodes.size());
  for (std::size_t n = 0; n < needs.size(); ++n)
    if (!graph.nodes[n].op->is_view()) needs[n].in_place_operand = 0;
  auto plan = make_plan(graph, needs, std::nullopt);
  ASSERT_TRUE(plan.ok()) << plan.error().message();
  auto same_place = [&](ir::ValueId a, ir::ValueId b) {
    const Location &first = plan->values[index_of(a)], &second = plan->values[index_of(b)];
    return first.place == second.place && first.offset == second.offset;
  };
  EXPECT_TRUE(same_place(view, value));
  EXPECT_FALSE(same_place(sum, value));
  EXPECT_TRUE(check_plan(graph, needs, *plan).ok());
  plan->values[index_of(sum)] = plan->values[index_of(value)];
  Status checked = check_plan(graph, needs, *plan);
  ASSERT_FALSE(checked.ok());
  EXPECT_NE(checked.error().message().find("reads twice"), std::string::npos);
}

TEST(Plan, RefusalSaysHowManyBytesAreLacking) {
  RandomNetwork network(5);
  auto refused = make_plan(network.graph, network.needs, 100);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message().find("are lacking"), std::string::npos);
}

// As a device plans that gives only so much in one allocation.
TEST(Plan, NoBufferLiesAcrossTwoPieces) {
  int in_pieces = 0, refused = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    RandomNetwork network(seed, true);
    for (std::size_t piece : {std::size_t{8192}, std::size_t{16384}, std::size_t{1} << 30}) {
      const Layout layout{.holds_inputs_and_outputs = seed % 2 == 0,
                          .prefetches = seed % 3 == 0,
                          .keeps_steady = true,
                          .piece_bytes = piece};
      auto plan = make_plan(network.graph, network.needs, std::nullopt, layout);
      if (!plan.ok()) {
        EXPECT_EQ(plan.error().kind(), ErrorKind::kOutOfMemory);
        EXPECT_NE(plan.error().message().find("in one piece"), std::string::npos);
        ++refused;
        continue;
      }
      Status checked = check_plan(network.graph, network.needs, *plan);
      ASSERT_TRUE(checked.ok()) << "seed " << seed << ": " << checked.error().message();
      in_pieces += plan->arena_bytes > piece;
    }
  }
  EXPECT_GT(in_pieces, 100);
  EXPECT_GT(refused, 0);
}

TEST(Plan, CheckerSeesABufferAcrossTwoPieces) {
  RandomNetwork network(3);
  Plan plan = *make_plan(network.graph, network.needs, std::nullopt);
  ASSERT_TRUE(check_plan(network.graph, network.needs, plan).ok());
  plan.layout.piece_bytes = kAlignment;
  Status checked = check_plan(network.graph, network.needs, plan);
  ASSERT_FALSE(checked.ok());
  EXPECT_NE(checked.error().message().find("across two pieces"), std::string::npos);
}

TEST(Packing, FillsPiecesUpToTheLimit) {
  const std::vector<std::size_t> sizes = {1000, 100, 300, 5000, 1};
  const Pieces pieces = fill_pieces(sizes, 2048);
  EXPECT_EQ(pieces.bytes, (std::vector<std::size_t>{1580, 5000, 1}));
  std::vector<std::size_t> places, offsets;
  for (const auto& place : pieces.places) {
    places.push_back(place.piece);
    offsets.push_back(place.offset);
  }
  EXPECT_EQ(places, (std::vector<std::size_t>{0, 0, 0, 1, 2}));
  EXPECT_EQ(offsets, (std::vector<std::size_t>{0, 1024, 1280, 0, 0}));
  EXPECT_EQ(fill_pieces(sizes, 0).bytes, (std::vector<std::size_t>{6913}));
  EXPECT_TRUE(fill_pieces({}, 0).bytes.empty());
}

TEST(Packing, ReachesTheLiveSumOfAChain) {
  // Each buffer lives for two steps, as in a plain chain of layers: two at a time is the least
  // possible.
  std::vector<Buffer> buffers;
  for (int i = 0; i < 50; ++i) buffers.push_back({.bytes = 6400, .first = i, .last = i + 1});
  EXPECT_EQ(pack(buffers), live_peak(buffers));
}

}  // namespace
}  // namespace obscura::plan
