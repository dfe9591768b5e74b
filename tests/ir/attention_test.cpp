#include "ir/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace obscura::ir {
namespace {

constexpr float kNever = -INFINITY;

// One head of size 1, two queries, two keys; all scores equal 0, so that weights follow from the
// mask alone.
std::vector<float> attend(const ConstArray& mask) {
  const ValueType type{DType::kF32, {1, 2, 1}};
  const float zeros[] = {0, 0}, values[] = {10, 30};
  float y[2];
  const ConstArray inputs[] = {{type, zeros}, {type, zeros}, {type, values}, mask};
  AttentionOp({.heads = 1, .head_size = 1, .mask = true}).evaluate(inputs, {type, y});
  return {y[0], y[1]};
}

TEST(Attention, AMaskAddsToTheScores) {
  const float added[] = {0, std::log(3.0f), kNever, 0};
  EXPECT_EQ(attend({{DType::kF32, {1, 1, 2, 2}}, added}), (std::vector<float>{25, 30}));
}

TEST(Attention, AMaskOfOneRowHoldsForAllQueries) {
  const std::int32_t seen[] = {1, 0};
  EXPECT_EQ(attend({{DType::kI32, {1, 1, 1, 2}}, seen}), (std::vector<float>{10, 10}));
}

TEST(Attention, AQueryThatSeesNothingGivesZeros) {
  const std::int32_t seen[] = {0, 0, 0, 1};
  EXPECT_EQ(attend({{DType::kI32, {1, 1, 2, 2}}, seen}), (std::vector<float>{0, 30}));
  const float added[] = {kNever, kNever, 0, kNever};
  EXPECT_EQ(attend({{DType::kF32, {1, 1, 2, 2}}, added}), (std::vector<float>{0, 10}));
}

TEST(Attention, SaysWhichMaskItWants) {
  const AttentionOp op({.heads = 3, .head_size = 1, .mask = true});
  const ValueType type{DType::kF32, {2, 5, 3}};
  auto refused = [&](Shape mask) {
    const ValueType inputs[] = {type, type, type, {DType::kF32, mask}};
    auto result = op.infer(inputs);
    return result.ok() ? std::string() : result.error().message();
  };
  for (const Shape& mask : {Shape{1, 1, 1, 5}, Shape{2, 3, 5, 5}, Shape{2, 1, 5, 5}})
    EXPECT_EQ(refused(mask), "");
  for (const Shape& mask : {Shape{5, 5}, Shape{3, 1, 5, 5}, Shape{1, 2, 5, 5}, Shape{1, 1, 5, 1}}) {
    EXPECT_EQ(refused(mask),
              "[attention] input 3 wants a mask that repeats over 2x3x5x5, got F32 " + mask.text());
  }
}

}  // namespace
}  // namespace obscura::ir
