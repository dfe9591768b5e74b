// Every rewrite of a graph: it changes what it is for, and neither a result nor what parameters
// hold afterwards.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <random>
#include <string>

#include "ir/activation.h"
#include "ir/arithmetic.h"
#include "ir/attention.h"
#include "ir/cast.h"
#include "ir/conv2d.h"
#include "ir/evaluate.h"
#include "ir/group_norm.h"
#include "ir/linear.h"
#include "ir/pass.h"
#include "ir/shape_ops.h"
#include "ir/split_op.h"

namespace obscura::ir {
namespace {

Tensor random_numbers(Shape shape, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> number(-1, 1);
  Tensor tensor(shape);
  for (float& x : tensor.values()) x = number(random);
  return tensor;
}

// Weights of any source, made up by name and shape.
class MadeUp final : public WeightIndex {
 public:
  ValueId operator()(Builder& builder, const std::string& name, Shape shape,
                     const std::string& source = "") {
    shapes_[name] = shape;
    return builder.weight(name, source);
  }
  const Shape* find(std::string_view name) const override {
    auto found = shapes_.find(name);
    return found == shapes_.end() ? nullptr : &found->second;
  }
  Result<Tensor> read(const WeightSpec& spec) const {
    Tensor whole(spec.shape);
    float* target = whole.data();
    for (const std::string& part : spec.parts) {
      const auto seed = static_cast<unsigned>(std::hash<std::string>()(spec.source + part));
      const Tensor tensor = random_numbers(shapes_.at(part), seed);
      target = std::copy_n(tensor.data(), tensor.elements(), target);
    }
    return whole;
  }

 private:
  std::map<std::string, Shape, std::less<>> shapes_;
};

struct Outcome {
  NamedTensors outputs, parameters;
};

class Passes : public testing::Test {
 protected:
  ValueId input(const std::string& name, Shape shape, bool steady = false) {
    inputs_.insert_or_assign(name, random_numbers(shape, static_cast<unsigned>(inputs_.size())));
    const ValueType type{DType::kF32, shape};
    return steady ? builder_.steady_input(name, type) : builder_.input(name, type);
  }
  ValueId parameter(const std::string& name, Shape shape) {
    parameters_.insert_or_assign(name, random_numbers(shape, 77));
    return builder_.parameter(name, {DType::kF32, shape});
  }
  // A Linear of `width` to `out` features, with weights of its own.
  ValueId project(ValueId x, std::int64_t out, const std::string& name, bool bias = false,
                  const std::string& source = "") {
    const std::int64_t width = builder_.shape(x)[-1];
    return linear(builder_, x, weights_(builder_, name, {out, width}, source),
                  bias ? weights_(builder_, name + ".bias", {out}, source) : kNoValue);
  }
  ValueId filter(ValueId x, std::int64_t out, const std::string& name) {
    return conv2d(builder_, x, weights_(builder_, name, {out, builder_.shape(x)[3], 3, 3}),
                  weights_(builder_, name + ".bias", {out}), 1, Padding::same(1));
  }
  ValueId norm(ValueId x, const std::string& name) {
    const Shape channels{builder_.shape(x)[3]};
    return group_norm(builder_, x, weights_(builder_, name, channels),
                      weights_(builder_, name + ".beta", channels), {.groups = 4, .silu = true});
  }

  Outcome outcome(const Graph& graph) {
    Outcome result{{}, parameters_};
    auto read = [&](const WeightSpec& spec) { return weights_.read(spec); };
    auto outputs = evaluate(graph, inputs_, read, result.parameters);
    EXPECT_TRUE(outputs.ok()) << outputs.error().message();
    if (outputs.ok()) result.outputs = *outputs;
    return result;
  }

  static double difference(const NamedTensors& wanted, const NamedTensors& found) {
    EXPECT_EQ(wanted.size(), found.size());
    double most = 0;
    for (const auto& [name, tensor] : wanted) {
      const Tensor& other = found.at(name);
      EXPECT_EQ(tensor.shape(), other.shape());
      for (std::int64_t i = 0; i < tensor.elements(); ++i)
        most = std::max(most, std::fabs(double{tensor.data()[i]} - other.data()[i]));
    }
    return most;
  }

  // The graph after the pass, which must change its text if `applies` and no number in any case:
  // numbers are near 1 and sums short, so float32 gives so many digits.
  Graph rewritten(std::string_view pass, bool applies = true) {
    before_ = std::move(builder_).finish().value();
    remove_unused(before_);  // so that equal graphs have equal numbers
    Graph after = before_;
    Status status = run_passes(after, {pass});
    EXPECT_TRUE(status.ok()) << status.error().message();
    EXPECT_EQ(after.text() != before_.text(), applies) << after.text();
    const Outcome wanted = outcome(before_), found = outcome(after);
    EXPECT_LT(difference(wanted.outputs, found.outputs), 2e-5);
    EXPECT_LT(difference(wanted.parameters, found.parameters), 2e-5);
    EXPECT_FALSE(wanted.outputs.empty());
    return after;
  }

  static std::size_t count(const Graph& graph, std::string_view op) {
    return static_cast<std::size_t>(
        std::count_if(graph.nodes.begin(), graph.nodes.end(),
                      [&](const Node& node) { return node.op->name() == op; }));
  }

  MadeUp weights_;
  Builder builder_{"passes", weights_};
  NamedTensors inputs_, parameters_;
  Graph before_;
};

TEST_F(Passes, MergeProjectionsOfSelfAttention) {
  ValueId x = input("x", {2, 5, 8});
  ValueId q = project(x, 8, "q", true), k = project(x, 8, "k", true), v = project(x, 8, "v", true);
  builder_.output("y", attention(builder_, q, k, v, {.heads = 2, .head_size = 4}));
  EXPECT_EQ(count(rewritten("merge_projections"), "linear"), 1u);
}

TEST_F(Passes, MergeProjectionsOfKeysAndValuesWithAMask) {
  ValueId x = input("x", {2, 5, 8}), context = input("context", {2, 3, 6});
  ValueId q = project(x, 8, "q"), k = project(context, 8, "k"), v = project(context, 8, "v");
  ValueId mask = input("mask", {1, 2, 5, 3});
  builder_.output("y", attention(builder_, q, k, v, {.heads = 2, .head_size = 4}, mask));
  EXPECT_EQ(count(rewritten("merge_projections"), "linear"), 2u);
}

TEST_F(Passes, MergeProjectionsLeavesApartWhatIsOfTwoSourcesOrAParameter) {
  builder_.add_source("other", weights_);
  ValueId x = input("x", {1, 5, 8});
  ValueId q = project(x, 8, "q"), k = project(x, 8, "k", false, "other");
  ValueId v = linear(builder_, x, parameter("v", {8, 8}), kNoValue);
  builder_.output("y", attention(builder_, q, k, project(x, 8, "v"), {.heads = 2, .head_size = 4}));
  builder_.output("z", attention(builder_, project(x, 8, "q2"), project(x, 8, "k2"), v,
                                 {.heads = 2, .head_size = 4}));
  rewritten("merge_projections", false);
}

TEST_F(Passes, MergeProjectionsLeavesWhatIsAlsoKept) {
  ValueId x = input("x", {1, 5, 8});
  ValueId q = project(x, 8, "q"), k = project(x, 8, "k"), v = project(x, 8, "v");
  builder_.assign(parameter("cache", {1, 5, 8}), k);
  builder_.output("y", attention(builder_, q, k, v, {.heads = 2, .head_size = 4}));
  rewritten("merge_projections", false);
}

TEST_F(Passes, FoldUpsample) {
  ValueId x = input("x", {1, 3, 4, 8});
  auto [a, b] = split(builder_, x);
  builder_.output("y", filter(upsample(builder_, a), 4, "first"));
  // Read twice, so it stays.
  ValueId large = upsample(builder_, b);
  builder_.output("z", filter(large, 4, "second"));
  builder_.output("large", large);
  EXPECT_EQ(count(rewritten("fold_upsample"), "upsample"), 1u);
}

TEST_F(Passes, FoldGroupNorm) {
  ValueId x = parameter("state", {1, 3, 4, 8});
  ValueId y = filter(norm(x, "norm"), 8, "conv");
  builder_.output("y", y);
  builder_.assign(x, add(builder_, y, input("x", {1, 3, 4, 8})));
  Graph after = rewritten("fold_group_norm");
  EXPECT_EQ(count(after, "group_norm"), 0u);
  EXPECT_EQ(count(after, "group_stats"), 1u);
}

TEST_F(Passes, FoldGroupNormLeavesWhatIsAssigned) {
  ValueId y = norm(input("x", {1, 3, 4, 8}), "norm");
  builder_.assign(parameter("kept", {1, 3, 4, 8}), y);
  builder_.output("y", filter(y, 8, "conv"));
  rewritten("fold_group_norm", false);
}

TEST_F(Passes, FuseEpilogues) {
  ValueId x = input("x", {2, 3, 4, 8}), state = parameter("state", {2, 3, 4, 8});
  ValueId embedding = activation(builder_, project(input("e", {2, 6}), 8, "e"), Activation::kSilu);
  ValueId y = add(builder_, filter(x, 8, "conv"), embedding);
  y = add(builder_, y, state);
  auto [a, b] = split(builder_, y);
  ValueId narrow = add(builder_, project(a, 4, "narrow"), b);
  builder_.output("y", narrow);
  ValueId next = add(builder_, filter(y, 8, "next"), x);
  builder_.assign(state, next);
  Graph after = rewritten("fuse_epilogues");
  EXPECT_EQ(count(after, "add"), 0u);
  EXPECT_EQ(count(after, "activation"), 0u);
}

TEST_F(Passes, FuseEpiloguesLeavesWhatIsAssignedBeforeTheSum) {
  ValueId x = input("x", {1, 5, 8});
  ValueId product = project(x, 8, "w");
  builder_.assign(parameter("kept", {1, 5, 8}), product);
  builder_.output("y", add(builder_, product, x));
  rewritten("fuse_epilogues", false);
}

TEST_F(Passes, HoistSteady) {
  ValueId x = input("x", {1, 5, 8}), state = parameter("state", {1, 5, 4});
  ValueId y = project(x, 4, "w");
  auto [a, b] = split(builder_, input("prompt", {1, 5, 8}, true));
  ValueId term = add(builder_, a, b);
  y = add(builder_, add(builder_, y, term), state);
  builder_.assign(state, y);
  builder_.output("y", y);
  Graph after = rewritten("hoist_steady");
  EXPECT_EQ(after.nodes[0].op->name(), "test_split");
  EXPECT_EQ(after.nodes[1].op->name(), "add");
  EXPECT_EQ(after.nodes[2].op->name(), "linear");
}

// Results are rounded where the rewrite says so, and nowhere else: inputs, outputs and parameters
// keep their type.
TEST_F(Passes, WithPrecision) {
  ValueId x = input("x", {1, 4, 4, 8}), state = parameter("state", {1, 4, 4, 8});
  ValueId y = filter(norm(add(builder_, x, state), "norm"), 8, "conv");
  builder_.assign(state, y);
  auto [a, b] = split(builder_, reshape(builder_, y, {1, 16, 8}));
  builder_.output("y", project(add(builder_, a, b), 4, "w", true));
  builder_.output("old", state);
  Graph graph = std::move(builder_).finish().value();
  const Outcome wanted = outcome(graph);
  // Half a unit in the last place for each of 5 roundings of numbers up to about 16.
  for (auto [dtype, tolerance] : {std::pair{DType::kF16, 0.04}, {DType::kBF16, 0.32}}) {
    const Graph lowered = with_precision(graph, dtype);
    ASSERT_TRUE(lowered.validate().ok()) << lowered.validate().error().message();
    EXPECT_EQ(lowered.type(lowered.parameter("state")).dtype, DType::kF32);
    EXPECT_EQ(lowered.type(lowered.assignments[0].value).dtype, DType::kF32);
    const Outcome found = outcome(lowered);
    EXPECT_LT(difference(wanted.outputs, found.outputs), tolerance);
    EXPECT_LT(difference(wanted.parameters, found.parameters), tolerance);
    EXPECT_GT(difference(wanted.outputs, found.outputs), tolerance / 1000);
    EXPECT_EQ(difference({{"old", wanted.outputs.at("old")}}, {{"old", found.outputs.at("old")}}),
              0);
  }
}

TEST_F(Passes, AllOfThemOneAfterTheOther) {
  ValueId x = input("x", {1, 4, 4, 8}), state = parameter("state", {1, 4, 4, 8});
  ValueId h = add(builder_, filter(norm(x, "n1"), 8, "c1"), state);
  ValueId tokens = reshape(builder_, h, {1, 16, 8}), prompt = input("prompt", {1, 3, 6}, true);
  ValueId seen = attention(builder_, project(tokens, 8, "q"), project(prompt, 8, "k"),
                           project(prompt, 8, "v"), {.heads = 2, .head_size = 4});
  h = reshape(builder_, add(builder_, project(seen, 8, "out", true), tokens), {1, 4, 4, 8});
  ValueId next = filter(norm(h, "n2"), 8, "c2");
  builder_.assign(state, next);
  builder_.output("y", filter(upsample(builder_, h), 4, "c3"));
  Graph graph = std::move(builder_).finish().value(), after = graph;
  ASSERT_TRUE(run_passes(after, {"merge_projections", "fold_upsample", "fold_group_norm",
                                 "fuse_epilogues", "hoist_steady"})
                  .ok());
  EXPECT_LT(after.nodes.size(), graph.nodes.size());
  const Outcome wanted = outcome(graph), found = outcome(after);
  EXPECT_LT(difference(wanted.outputs, found.outputs), 5e-5);
  EXPECT_LT(difference(wanted.parameters, found.parameters), 5e-5);
}

TEST_F(Passes, AnUnknownNameIsRefused) {
  Graph graph;
  EXPECT_EQ(run_passes(graph, {"no such pass"}).error().kind(), ErrorKind::kInternal);
}

}  // namespace
}  // namespace obscura::ir
