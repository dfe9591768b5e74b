#include <gtest/gtest.h>

#include "nodes/node_harness.h"

namespace obscura::nodes {
namespace {

using pipeline::Condition;
using pipeline::Conditioning;

Value condition(float value, std::int64_t tokens = 2, std::int64_t width = 2) {
  Condition entry;
  entry.states = Tensor::filled({1, tokens, width}, value);
  entry.pooled = Tensor::filled({1, 2}, value);
  return conditioning_value({{entry}});
}

Condition first(const Value& value) {
  return value.get<Conditioning>().entries.at(0);
}

TEST(ConditioningCombine, KeepsBothEntries) {
  Value out = only_output("ConditioningCombine",
                          {{"conditioning_1", condition(1)}, {"conditioning_2", condition(2)}});
  ASSERT_EQ(out.get<Conditioning>().entries.size(), 2u);
  EXPECT_EQ(out.get<Conditioning>().entries[1].states.data()[0], 2);
}

TEST(ConditioningAverage, CountsMissingTokensAsZero) {
  Condition out =
      first(only_output("ConditioningAverage", {{"conditioning_to", condition(1, 2)},
                                                {"conditioning_from", condition(3, 1)},
                                                {"conditioning_to_strength", Value::number(0.5)}}));
  EXPECT_EQ(values_of(out.states), (std::vector<float>{2, 2, 0.5f, 0.5f}));
  EXPECT_EQ(values_of(out.pooled), (std::vector<float>{2, 2}));
}

TEST(ConditioningAverage, RefusesOtherModels) {
  auto out = call_node("ConditioningAverage", {{"conditioning_to", condition(1, 2, 2)},
                                               {"conditioning_from", condition(1, 2, 4)}});
  EXPECT_EQ(out.error().kind(), ErrorKind::kInvalidInput);
}

TEST(ConditioningConcat, JoinsTokens) {
  Condition out =
      first(only_output("ConditioningConcat", {{"conditioning_to", condition(1, 2)},
                                               {"conditioning_from", condition(2, 1)}}));
  EXPECT_EQ(out.states.shape(), (Shape{1, 3, 2}));
  EXPECT_EQ(values_of(out.states), (std::vector<float>{1, 1, 1, 1, 2, 2}));
  EXPECT_EQ(values_of(out.pooled), (std::vector<float>{1, 1}));
}

TEST(ConditioningSetArea, CountsInLatentPixels) {
  Condition out = first(only_output("ConditioningSetArea", {{"conditioning", condition(1)},
                                                            {"width", Value::integer(128)},
                                                            {"height", Value::integer(64)},
                                                            {"x", Value::integer(16)},
                                                            {"y", Value::integer(8)},
                                                            {"strength", Value::number(0.5)}}));
  EXPECT_EQ(*out.area, (diffusion::Area{8, 16, 1, 2}));
  EXPECT_EQ(out.strength, 0.5);
}

TEST(ConditioningSetAreaPercentage, ReplacesAnAreaInPixels) {
  Value area = only_output("ConditioningSetArea", {{"conditioning", condition(1)}});
  Condition out = first(only_output("ConditioningSetAreaPercentage",
                                    {{"conditioning", area}, {"width", Value::number(0.5)}}));
  EXPECT_FALSE(out.area);
  ASSERT_TRUE(out.area_fractions);
  EXPECT_EQ(out.area_fractions->width, 0.5);
  EXPECT_EQ(out.area_fractions->height, 1);
}

TEST(ConditioningSetMask, CanLimitTheArea) {
  auto masked = [](const char* area) {
    return first(only_output("ConditioningSetMask", {{"conditioning", condition(1)},
                                                     {"mask", mask_value(Tensor({1, 4, 4}))},
                                                     {"strength", Value::number(0.25)},
                                                     {"set_cond_area", Value::string(area)}}));
  };
  EXPECT_FALSE(masked("default").area_is_mask_bounds);
  EXPECT_TRUE(masked("mask bounds").area_is_mask_bounds);
  EXPECT_EQ(masked("default").mask_strength, 0.25);
}

TEST(ConditioningZeroOut, LeavesTheOriginalAlone) {
  Value in = condition(1);
  Condition out = first(only_output("ConditioningZeroOut", {{"conditioning", in}}));
  EXPECT_EQ(values_of(out.states), std::vector<float>(4, 0));
  EXPECT_EQ(values_of(out.pooled), std::vector<float>(2, 0));
  EXPECT_EQ(first(in).states.data()[0], 1);
}

TEST(ConditioningSetTimestepRange, SetsBothEnds) {
  Condition out =
      first(only_output("ConditioningSetTimestepRange", {{"conditioning", condition(1)},
                                                         {"start", Value::number(0.25)},
                                                         {"end", Value::number(0.75)}}));
  EXPECT_EQ(out.start_percent, 0.25);
  EXPECT_EQ(out.end_percent, 0.75);
}

}  // namespace
}  // namespace obscura::nodes
