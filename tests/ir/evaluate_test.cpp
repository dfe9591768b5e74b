#include "ir/evaluate.h"

#include <gtest/gtest.h>

#include "ir/arithmetic.h"
#include "ir/embedding.h"
#include "ir/tap.h"

namespace obscura::ir {
namespace {

class NoWeights final : public WeightIndex {
 public:
  const Shape* find(std::string_view) const override { return nullptr; }
};

class OneTable final : public WeightIndex {
 public:
  const Shape* find(std::string_view name) const override {
    return name == "table" ? &shape_ : nullptr;
  }

 private:
  Shape shape_{3, 2};
};

Result<Tensor> read_table(const WeightSpec& spec) {
  return Tensor(spec.shape, {0, 1, 10, 11, 20, 21});
}

Result<Tensor> read_nothing(const WeightSpec& spec) {
  return Error(ErrorKind::kIo, "cannot read " + spec.text());
}

// x + x, then + x, then + the first sum: results are read again later.
Graph twice() {
  NoWeights none;
  Builder builder("twice", none);
  ValueId x = builder.input("x", {DType::kF32, Shape{2, 2}});
  builder.set_scope("outer.first");
  ValueId a = add(builder, x, x);
  builder.set_scope("outer");
  ValueId b = add(builder, a, x);
  builder.set_scope("other");
  builder.output("y", add(builder, b, a));
  return std::move(builder).finish().value();
}

std::vector<float> elements(const Tensor& tensor) {
  return {tensor.values().begin(), tensor.values().end()};
}

TEST(Evaluate, KeepsResultsUntilTheirLastUse) {
  auto outputs = evaluate(twice(), {{"x", Tensor(Shape{2, 2}, {1, 2, 3, 4})}}, read_nothing);
  ASSERT_TRUE(outputs.ok()) << outputs.error().message();
  EXPECT_EQ(elements(outputs->at("y")), (std::vector<float>{5, 10, 15, 20}));
}

TEST(Evaluate, GivesIntegersToOpsThatWantThem) {
  OneTable table;
  Builder builder("lookup", table);
  ValueId ids = builder.input("ids", {DType::kI32, Shape{1, 2}});
  builder.output("y", embedding(builder, ids, builder.weight("table")));
  Graph graph = std::move(builder).finish().value();
  NamedTensors inputs = {{"ids", Tensor(Shape{1, 2}, {2, 0})}};
  auto outputs = evaluate(graph, inputs, read_table);
  ASSERT_TRUE(outputs.ok()) << outputs.error().message();
  EXPECT_EQ(elements(outputs->at("y")), (std::vector<float>{20, 21, 0, 1}));

  auto failed = evaluate(graph, inputs, read_nothing);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().message(), "cannot read table");
}

TEST(Evaluate, NamesAnInputThatDoesNotFit) {
  auto missing = evaluate(twice(), {}, read_nothing);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().message(), "twice: input x wants 2x2, got nothing");
  auto wrong = evaluate(twice(), {{"x", Tensor(Shape{2, 3})}}, read_nothing);
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().message(), "twice: input x wants 2x2, got 2x3");
}

TEST(Tap, ShowsTheLastResultInsideAPlace) {
  Graph graph = twice();
  std::vector<std::string> scopes = {"outer.first", "outer"};
  ASSERT_TRUE(tap(graph, scopes).ok());
  ASSERT_TRUE(graph.validate().ok());
  auto outputs = evaluate(graph, {{"x", Tensor(Shape{2, 2}, {1, 2, 3, 4})}}, read_nothing);
  ASSERT_TRUE(outputs.ok()) << outputs.error().message();
  EXPECT_EQ(elements(outputs->at("outer.first")), (std::vector<float>{2, 4, 6, 8}));
  EXPECT_EQ(elements(outputs->at("outer")), (std::vector<float>{3, 6, 9, 12}));
  EXPECT_EQ(elements(outputs->at("y")), (std::vector<float>{5, 10, 15, 20}));
}

TEST(Tap, RefusesAPlaceThatDoesNotExist) {
  Graph graph = twice();
  std::vector<std::string> scopes = {"out"};
  Status status = tap(graph, scopes);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message(), "twice has no place named out");
}

}  // namespace
}  // namespace obscura::ir
