// Networks and needs at random, for tests of what holds for any.
#pragma once

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "ir/activation.h"
#include "ir/arithmetic.h"
#include "ir/linear.h"
#include "ir/pass.h"
#include "ir/shape_ops.h"
#include "plan/plan.h"

namespace obscura::plan::test {

class SquareWeights final : public ir::WeightIndex {
 public:
  explicit SquareWeights(std::int64_t width) : shape_{width, width} {}
  const Shape* find(std::string_view) const override { return &shape_; }

 private:
  Shape shape_;
};

// A random network of linears, sums, views and activations with long skips, and random needs.
struct RandomNetwork {
  ir::Graph graph;
  std::vector<NodeNeeds> needs;

  // With `steady`, a second input that stays the same over runs, and what hangs on it in front.
  explicit RandomNetwork(unsigned seed, bool steady = false) {
    std::mt19937 random(seed);
    auto pick = [&](std::size_t count) {
      return std::uniform_int_distribution<std::size_t>(0, count - 1)(random);
    };
    std::int64_t width = 8 + static_cast<std::int64_t>(pick(40)),
                 tokens = 1 + static_cast<std::int64_t>(pick(30));
    SquareWeights weights(width);
    ir::Builder builder("random", weights);
    std::vector<ir::ValueId> values = {builder.input("x", {DType::kF32, {1, tokens, width}})};
    if (steady) values.push_back(builder.steady_input("prompt", {DType::kF32, {1, tokens, width}}));
    for (std::size_t i = 0, count = 3 + pick(60); i < count; ++i) {
      ir::ValueId x = values[pick(values.size())], y = values[pick(values.size())];
      switch (pick(4)) {
        case 0:
          values.push_back(
              ir::linear(builder, x, builder.weight("w" + std::to_string(pick(20))), ir::kNoValue));
          break;
        case 1:
          values.push_back(ir::add(builder, x, y));
          break;
        case 2:
          values.push_back(ir::activation(builder, x, ir::Activation::kSilu));
          break;
        default:
          values.push_back(ir::reshape(builder, x, {1, tokens, width}));
          break;
      }
    }
    builder.output("y", values.back());
    builder.output("other", values[pick(values.size())]);
    graph = *std::move(builder).finish();
    if (steady) ir::hoist_steady(graph);
    for (const ir::Node& node : graph.nodes) {
      NodeNeeds need;
      if (!node.op->is_view()) need.workspace_bytes = pick(3) == 0 ? pick(5000) : 0;
      if (!node.op->is_view() && pick(2) == 0) need.in_place_operand = 0;
      if (node.op->name() == "linear") {
        need.in_place_operand = -1;
        need.weights.push_back({1, graph.type(node.inputs[1]).bytes(), pick(2) * 1000,
                                "form" + std::to_string(pick(2))});
      }
      needs.push_back(need);
    }
  }
};

}  // namespace obscura::plan::test
