// How predictions combine, with numbers in place of predictions.
#include "pipeline/guidance.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace obscura::pipeline {
namespace {

Tensor number(float value) {
  return Tensor::filled({1, 1, 1, 2}, value);
}

// Of a positive of 5, a negative of 2 and a third of 3.
float guided_number(const Guidance& guidance, const std::vector<GuidanceFunctions>& functions) {
  static const auto kSchedule = diffusion::NoiseSchedule::discrete();
  static const models::UNetChanges kChanges;
  const Tensor x = number(0);
  GuidanceStep step{.x = x,
                    .sigma = 1,
                    .cfg = guidance.cfg,
                    .schedule = kSchedule,
                    .positive = guidance.positive,
                    .negative = guidance.negative,
                    .changes = kChanges,
                    .cond = number(5),
                    .uncond = number(2),
                    .uncond_shown = {},
                    .ask = {}};
  return guided(step, guidance, number(3), functions).value().data()[0];
}

Guidance kind_of(GuidanceKind kind, double cfg = 4, double second = 2) {
  return {.kind = kind, .positive = {}, .negative = {}, .third = {}, .cfg = cfg, .second = second};
}

TEST(Guided, CombinesByItsKind) {
  EXPECT_EQ(guided_number(kind_of(GuidanceKind::kCfg), {}), 2 + 4 * 3);
  // From negative to third by the second scale, and from third to positive by the first.
  EXPECT_EQ(guided_number(kind_of(GuidanceKind::kDualCfg), {}), 2 + 2 * 1 + 4 * 2);
  EXPECT_EQ(guided_number(kind_of(GuidanceKind::kDualCfgNested), {}), 2 + 2 * (3 + 4 * 2 - 2));
}

TEST(Guided, LetsFunctionsChangeWhatIsBeforeAndAfter) {
  GuidanceFunctions doubles;
  doubles.before = [](GuidanceStep& step) -> Status {
    step.cond = number(10);
    return {};
  };
  GuidanceFunctions first, last;
  first.combine = [](const GuidanceStep&) -> Result<Tensor> { return number(1); };
  last.combine = [](const GuidanceStep& step) -> Result<Tensor> {
    return number(step.cond.data()[0] + 1);
  };
  last.after = [](const GuidanceStep&, Tensor guided) -> Result<Tensor> {
    return number(guided.data()[0] * 3);
  };
  EXPECT_EQ(guided_number(kind_of(GuidanceKind::kCfg), {doubles, first, last}), 33);
  EXPECT_EQ(guided_number(kind_of(GuidanceKind::kCfg), {first, doubles}), 1);
}

TEST(AsksNegative, UnlessItCountsForNothing) {
  auto asks = [](GuidanceKind kind, double cfg, double second) {
    return asks_negative(kind_of(kind, cfg, second), {});
  };
  EXPECT_FALSE(asks(GuidanceKind::kCfg, 1, 5));
  EXPECT_TRUE(asks(GuidanceKind::kCfg, 1.5, 1));
  EXPECT_FALSE(asks(GuidanceKind::kDualCfg, 5, 1));
  EXPECT_TRUE(asks(GuidanceKind::kDualCfgNested, 1, 5));
  EXPECT_TRUE(asks(GuidanceKind::kPerpNeg, 1, 1));
  const std::vector<GuidanceFunctions> functions = {
      {.before = {}, .combine = {}, .after = {}, .needs_uncond = true}};
  EXPECT_TRUE(asks_negative(kind_of(GuidanceKind::kCfg, 1, 1), functions));
}

}  // namespace
}  // namespace obscura::pipeline
