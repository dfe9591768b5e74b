#include "ir/graph.h"

#include <gtest/gtest.h>

#include <map>

#include "ir/activation.h"
#include "ir/arithmetic.h"
#include "ir/evaluate.h"
#include "ir/linear.h"
#include "ir/pass.h"
#include "ir/shape_ops.h"
#include "ir/split_op.h"

namespace obscura::ir {
namespace {

class Shapes final : public WeightIndex {
 public:
  explicit Shapes(std::map<std::string, Shape, std::less<>> shapes) : shapes_(std::move(shapes)) {}
  const Shape* find(std::string_view name) const override {
    auto found = shapes_.find(name);
    return found == shapes_.end() ? nullptr : &found->second;
  }

 private:
  std::map<std::string, Shape, std::less<>> shapes_;
};

const ValueType kPair{DType::kF32, Shape{1, 2}};

Tensor pair(float a, float b) {
  return Tensor(Shape{1, 2}, {a, b});
}

std::vector<float> values_of(const Tensor& tensor) {
  return {tensor.values().begin(), tensor.values().end()};
}

Result<Tensor> no_weights(const WeightSpec& spec) {
  return Error(ErrorKind::kIo, "cannot read " + spec.text());
}

TEST(Graph, ANodeHasSeveralResults) {
  Shapes none({});
  Builder builder("halves", none);
  ValueId x = builder.input("x", {DType::kF32, Shape{1, 4}});
  builder.set_scope("here");
  auto [first, second] = split(builder, x);
  builder.output("sum", add(builder, first, second));
  builder.output("second", second);
  Graph graph = std::move(builder).finish().value();
  ASSERT_TRUE(graph.validate().ok());
  EXPECT_EQ(graph.nodes[0].outputs, (std::vector<ValueId>{first, second}));
  EXPECT_EQ(graph.use_counts()[index_of(second)], 2);
  EXPECT_NE(graph.text().find("%2, %3 = test_split (x) -> F32 1x2, F32 1x2   here"),
            std::string::npos)
      << graph.text();
  auto outputs = evaluate(graph, {{"x", Tensor(Shape{1, 4}, {1, 2, 10, 20})}}, no_weights);
  ASSERT_TRUE(outputs.ok()) << outputs.error().message();
  EXPECT_EQ(values_of(outputs->at("sum")), (std::vector<float>{21, 42}));
  EXPECT_EQ(values_of(outputs->at("second")), (std::vector<float>{20, 40}));
}

TEST(Graph, ANodeStaysWithAllItsResultsIfOneIsNeeded) {
  Shapes none({});
  Builder builder("halves", none);
  ValueId x = builder.input("x", {DType::kF32, Shape{1, 4}});
  activation(builder, x, Activation::kSilu);
  builder.output("y", split(builder, x).second);
  Graph graph = std::move(builder).finish().value();
  remove_unused(graph);
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_TRUE(graph.validate().ok()) << graph.validate().error().message();
  EXPECT_EQ(graph.nodes[0].outputs.size(), 2u);
}

TEST(Graph, WeightsOfSeveralSourcesAreApart) {
  Shapes own({{"w", {2, 2}}, {"only", {2, 2}}}), other({{"w", {2, 2}}});
  Builder builder("two", own);
  builder.add_source("control", other);
  ValueId x = builder.input("x", kPair);
  ValueId mine = builder.weight("w"), theirs = builder.weight("w", "control");
  EXPECT_NE(mine, theirs);
  EXPECT_EQ(theirs, builder.weight("w", Shape{2, 2}, "control"));
  builder.output("y", linear(builder, linear(builder, x, mine, kNoValue), theirs, kNoValue));
  EXPECT_EQ(builder.source("nobody"), nullptr);
  Graph graph = std::move(builder).finish().value();
  EXPECT_EQ(graph.value(theirs).weight->text(), "control: w");
  auto outputs = evaluate(graph, {{"x", pair(1, 2)}}, [](const WeightSpec& spec) -> Result<Tensor> {
    const float factor = spec.source == "control" ? 3 : 10;
    return Tensor(spec.shape, {factor, 0, 0, factor});
  });
  ASSERT_TRUE(outputs.ok());
  EXPECT_EQ(values_of(outputs->at("y")), (std::vector<float>{30, 60}));

  Builder missing("two", own);
  missing.add_source("control", other);
  EXPECT_EQ(missing.weight("only", "control"), kNoValue);
  EXPECT_EQ(std::move(missing).finish().error().message(), "two: control has no tensor only");
}

// sum := sum + x; the output is the sum before this run.
Graph running_sum() {
  Shapes none({});
  Builder builder("sum", none);
  ValueId x = builder.input("x", kPair), sum = builder.parameter("sum", kPair);
  builder.output("before", sum);
  builder.assign(sum, add(builder, sum, x));
  return std::move(builder).finish().value();
}

TEST(Graph, AParameterKeepsItsContentFromRunToRun) {
  Graph graph = running_sum();
  EXPECT_NE(graph.text().find("@sum := %"), std::string::npos) << graph.text();
  NamedTensors parameters = {{"sum", pair(100, 200)}};
  std::vector<float> found;
  for (int run = 0; run < 3; ++run) {
    auto outputs = evaluate(graph, {{"x", pair(1, 2)}}, no_weights, parameters);
    ASSERT_TRUE(outputs.ok()) << outputs.error().message();
    found.push_back(outputs->at("before").data()[1]);
  }
  EXPECT_EQ(found, (std::vector<float>{200, 202, 204}));
  EXPECT_EQ(values_of(parameters.at("sum")), (std::vector<float>{103, 206}));
  NamedTensors wrong = {{"sum", Tensor(Shape{3})}};
  EXPECT_EQ(evaluate(graph, {{"x", pair(1, 2)}}, no_weights, wrong).error().message(),
            "sum: parameter sum wants 1x2, got 3");
}

TEST(Graph, AllNodesReadWhatParametersHeldBefore) {
  Shapes none({});
  Builder builder("exchange", none);
  ValueId x = builder.input("x", kPair);
  ValueId a = builder.parameter("a", kPair), b = builder.parameter("b", kPair);
  builder.assign(a, add(builder, b, x));
  builder.assign(b, add(builder, a, x));
  Graph graph = std::move(builder).finish().value();
  remove_unused(graph);
  ASSERT_TRUE(graph.validate().ok());
  ASSERT_EQ(graph.nodes.size(), 2u);
  NamedTensors parameters = {{"a", pair(1, 1)}, {"b", pair(2, 2)}};
  ASSERT_TRUE(evaluate(graph, {{"x", pair(0, 0)}}, no_weights, parameters).ok());
  EXPECT_EQ(values_of(parameters.at("a")), (std::vector<float>{2, 2}));
  EXPECT_EQ(values_of(parameters.at("b")), (std::vector<float>{1, 1}));
}

TEST(Graph, RefusesAssignmentsThatCannotBe) {
  Shapes none({});
  auto refused = [&](auto&& assign) {
    Builder builder("p", none);
    ValueId x = builder.input("x", kPair), p = builder.parameter("p", kPair);
    assign(builder, x, p);
    Result<Graph> graph = std::move(builder).finish();
    return graph.ok() ? std::string("nothing") : graph.error().message();
  };
  EXPECT_EQ(refused([](Builder& b, ValueId x, ValueId p) { b.assign(p, add(b, p, x)); }),
            "nothing");
  EXPECT_EQ(refused([](Builder& b, ValueId x, ValueId p) { b.assign(p, x); }),
            "graph p: p is assigned what no node computes");
  EXPECT_EQ(refused([](Builder& b, ValueId x, ValueId p) {
              b.assign(p, reshape(b, add(b, p, x), {1, 2}));
            }),
            "graph p: p is assigned what no node computes");
  EXPECT_EQ(refused([](Builder& b, ValueId x, ValueId p) {
              b.assign(p, add(b, p, x));
              b.assign(p, add(b, p, p));
            }),
            "graph p: p is assigned twice");
  EXPECT_EQ(refused([](Builder& b, ValueId x, ValueId) { b.assign(x, add(b, x, x)); }),
            "graph p: an assignment to or of what does not exist");
  EXPECT_EQ(refused([](Builder& b, ValueId x, ValueId p) {
              b.assign(p, activation(b, reshape(b, x, {2, 1}), Activation::kSilu));
            }),
            "graph p: p is assigned a value of another type");
  EXPECT_EQ(refused([](Builder& b, ValueId, ValueId) { b.parameter("p", kPair); }),
            "p: two parameters are named p");
}

TEST(Graph, AnOpThatRefusesGivesNoResults) {
  Shapes none({});
  Builder builder("odd", none);
  builder.set_scope("here");
  auto [first, second] = split(builder, builder.input("x", {DType::kF32, Shape{1, 3}}));
  EXPECT_EQ(first, kNoValue);
  EXPECT_EQ(second, kNoValue);
  EXPECT_EQ(std::move(builder).finish().error().message(),
            "odd: here: [test_split] input 0 wants an even width, got F32 1x3");
}

}  // namespace
}  // namespace obscura::ir
