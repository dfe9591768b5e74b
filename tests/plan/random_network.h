// Networks and needs at random, for tests of what holds for any.
#pragma once

#include <memory>
#include <random>
#include <span>
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

// x twice: an op with two results.
class TwinOp final : public ir::Op {
 public:
  std::string_view name() const override { return "twin"; }
  std::string text() const override { return "twin"; }
  Result<std::vector<ir::ValueType>> infer_all(
      std::span<const ir::ValueType> inputs) const override {
    return std::vector<ir::ValueType>{inputs[0], inputs[0]};
  }
  void evaluate_all(std::span<const ir::ConstArray>, std::span<const ir::Array>) const override {}
};

// A random network of linears, sums, twins, views and activations with long skips and parameters,
// and random needs.
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
    std::vector<ir::ValueId> parameters;
    for (std::size_t i = 0, count = pick(3); i < count; ++i) {
      parameters.push_back(
          builder.parameter("p" + std::to_string(i), {DType::kF32, {1, tokens, width}}));
      values.push_back(parameters.back());
    }
    for (std::size_t i = 0, count = 3 + pick(60); i < count; ++i) {
      ir::ValueId x = values[pick(values.size())], y = values[pick(values.size())];
      switch (pick(5)) {
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
        case 3:
          for (ir::ValueId twin : builder.add_all(std::make_shared<TwinOp>(), {x}, 2))
            values.push_back(twin);
          break;
        default:
          values.push_back(ir::reshape(builder, x, {1, tokens, width}));
          break;
      }
    }
    for (ir::ValueId parameter : parameters)
      builder.assign(parameter,
                     ir::add(builder, values[pick(values.size())], values[pick(values.size())]));
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
