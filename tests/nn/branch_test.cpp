#include "nn/branch.h"

#include <gtest/gtest.h>

#include <map>

#include "ir/evaluate.h"
#include "nn/conv.h"
#include "nn/linear.h"
#include "nn/weight_table.h"

namespace obscura::nn {
namespace {

// A table with another one beside it as a branch.
class WithBranch final : public ir::WeightIndex {
 public:
  WeightTable own, branch;

  const Shape* find(std::string_view name) const override { return own.find(name); }
  const ir::WeightIndex* source(std::string_view name) const override {
    return name == "lora" ? &branch : nullptr;
  }
  std::vector<std::string> branches() const override { return {"lora"}; }
  ir::WeightReader reader() const {
    return [this](const ir::WeightSpec& spec) {
      return spec.source == "lora" ? branch.reader()(spec) : own.reader()(spec);
    };
  }
};

// The layer with the branch at `strength`, and with own weights to which strength * up * down was
// added.
void compare(WithBranch& weights, ir::ValueId (*layer)(const Scope&, ir::ValueId), Shape x,
             float strength) {
  Tensor input(x);
  for (std::int64_t i = 0; i < x.elements(); ++i)
    input.data()[i] = static_cast<float>(i % 7) / 7 - 0.4f;
  ir::Builder builder("branch", weights);
  builder.output("y", layer(Scope(builder) / "at", builder.input("x", {DType::kF32, x})));
  auto graph = std::move(builder).finish();
  ASSERT_TRUE(graph.ok()) << graph.error().message();
  EXPECT_TRUE(graph->value(graph->input("lora")).steady);
  auto live = ir::evaluate(*graph, {{"x", input}, {"lora", Tensor(Shape{1}, {strength})}},
                           weights.reader());
  ASSERT_TRUE(live.ok()) << live.error().message();

  const Tensor &up = weights.branch.at("at.up"), &down = weights.branch.at("at.down");
  Tensor sum = weights.own.at("at.weight").clone();
  const std::int64_t rank = down.shape()[0], columns = down.elements() / rank;
  for (std::int64_t i = 0; i < sum.elements(); ++i)
    for (std::int64_t r = 0; r < rank; ++r)
      sum.data()[i] +=
          strength * up.data()[i / columns * rank + r] * down.data()[r * columns + i % columns];
  WeightTable merged;
  merged.add("at.weight", sum);
  merged.add("at.bias", weights.own.at("at.bias"));
  ir::Builder plain("merged", merged);
  plain.output("y", layer(Scope(plain) / "at", plain.input("x", {DType::kF32, x})));
  auto wanted =
      ir::evaluate(std::move(plain).finish().value(), {{"x", input}}, merged.reader()).value();
  for (std::int64_t i = 0; i < wanted.at("y").elements(); ++i)
    ASSERT_NEAR(live->at("y").data()[i], wanted.at("y").data()[i], 1e-5);
}

TEST(Branch, StandsBesideALinear) {
  WithBranch weights;
  weights.own.add("at.weight", Shape{6, 5});
  weights.own.add("at.bias", Shape{6});
  weights.branch.add("at.down", Shape{2, 5});
  weights.branch.add("at.up", Shape{6, 2});
  for (float strength : {0.0f, 1.0f, -0.7f}) compare(weights, linear, {2, 3, 5}, strength);
}

TEST(Branch, StandsBesideConvolutions) {
  WithBranch weights;
  weights.own.add("at.weight", Shape{6, 5, 3, 3});
  weights.own.add("at.bias", Shape{6});
  weights.branch.add("at.down", Shape{2, 5, 3, 3});
  weights.branch.add("at.up", Shape{6, 2, 1, 1});
  compare(weights, conv2d, {1, 4, 5, 5}, 0.6f);
  auto halved = [](const Scope& at, ir::ValueId x) {
    return conv2d(at, x, 2, ir::Padding::same(1));
  };
  compare(weights, halved, {1, 5, 4, 5}, 0.6f);
}

TEST(Branch, LeavesPlacesAloneThatItIsNotAbout) {
  WithBranch weights;
  weights.own.add("at.weight", Shape{6, 5});
  weights.branch.add("elsewhere.down", Shape{2, 5});
  weights.branch.add("elsewhere.up", Shape{6, 2});
  ir::Builder builder("branch", weights);
  builder.output("y", linear(Scope(builder) / "at", builder.input("x", {DType::kF32, {1, 3, 5}})));
  ir::Graph graph = std::move(builder).finish().value();
  EXPECT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.inputs.size(), 1u);
}

TEST(Branch, NamesAFactorThatDoesNotFit) {
  WithBranch weights;
  weights.own.add("at.weight", Shape{6, 5});
  weights.branch.add("at.down", Shape{2, 4});
  weights.branch.add("at.up", Shape{6, 2});
  ir::Builder builder("branch", weights);
  linear(Scope(builder) / "at", builder.input("x", {DType::kF32, {1, 3, 5}}));
  EXPECT_EQ(std::move(builder).finish().error().message(),
            "branch: at: [linear] input 0 wants 4 features, got F32 1x3x5");
}

// A network from the weights of another source, in the same graph.
TEST(Branch, AScopeReadsFromItsSource) {
  WithBranch weights;
  weights.own.add("at.weight", Shape{6, 5});
  weights.branch.add("at.weight", Shape{4, 6});
  ir::Builder builder("two", weights);
  ir::ValueId x = builder.input("x", {DType::kF32, {1, 3, 5}});
  x = linear(Scope(builder) / "at", x);
  builder.output("y", linear(Scope(builder, "lora") / "at", x));
  auto graph = std::move(builder).finish();
  ASSERT_TRUE(graph.ok()) << graph.error().message();
  EXPECT_EQ(graph->type(graph->output("y")).shape, (Shape{1, 3, 4}));
}

}  // namespace
}  // namespace obscura::nn
