#include "pipeline/placed_condition.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace obscura::pipeline {
namespace {

const Shape kPlace{1, 4, 16, 32};

// A model without a label, whose texts have three features.
DiffusionModel plain_model() {
  DiffusionModel model{.schedule = diffusion::NoiseSchedule::discrete()};
  model.dimensions.in_channels = 4;
  model.dimensions.out_channels = 4;
  model.dimensions.context_width = 3;
  return model;
}

Condition placeable_condition() {
  Condition condition;
  condition.states = Tensor(Shape{1, 77, 3});
  return condition;
}

PlacedCondition placed_alone(const Condition& condition, std::vector<float> sigmas = {}) {
  static Conditioning kept;  // what a PlacedCondition borrows
  kept = {{condition}};
  return place(plain_model(), kept, kPlace, {.sampled = {}, .sigmas = std::move(sigmas)}, false)
      .value()
      .at(0);
}

TEST(PlacedCondition, CountsEverywhereAndAlwaysByItself) {
  const PlacedCondition placed = placed_alone(placeable_condition());
  EXPECT_EQ(placed.area, (diffusion::Area{16, 32, 0, 0}));
  EXPECT_EQ(placed.weights.shape(), (Shape{1, 16, 32}));
  EXPECT_EQ(placed.weights.data()[0], 1);
  EXPECT_TRUE(placed.region.active_at(1000));
  EXPECT_TRUE(placed.region.active_at(0));
  EXPECT_TRUE(placed.label.empty() && placed.concat.empty());
}

TEST(PlacedCondition, TakesFractionsOnlyWhereThereIsNoArea) {
  Condition condition = placeable_condition();
  condition.area_fractions = AreaFractions{0.5, 0.25, 0.5, 0.75};
  EXPECT_EQ(placed_alone(condition).area, (diffusion::Area{8, 8, 8, 24}));
  condition.area = diffusion::Area{4, 40, 1, 2};
  EXPECT_EQ(placed_alone(condition).area, (diffusion::Area{4, 30, 1, 2}));
}

TEST(PlacedCondition, TakesItsMasksBoundsBeforeAnArea) {
  Condition condition = placeable_condition();
  condition.mask = Tensor(Shape{1, 16, 32});
  for (std::int64_t y = 2; y < 12; ++y) condition.mask->data()[y * 32 + 5] = 1;
  condition.area = diffusion::Area{4, 4, 0, 0};
  condition.strength = 0.5;
  condition.mask_strength = 0.5;
  EXPECT_EQ(placed_alone(condition).area, (diffusion::Area{4, 4, 0, 0}));
  condition.area_is_mask_bounds = true;
  const PlacedCondition placed = placed_alone(condition);
  EXPECT_EQ(placed.area, (diffusion::Area{10, 8, 2, 5}));
  EXPECT_EQ(placed.weights.data()[0], 0.25f);
  EXPECT_EQ(placed.weights.data()[1], 0);
}

TEST(PlacedCondition, CountsWhileBothItsOwnAndItsTextsPercentsSay) {
  const auto schedule = diffusion::NoiseSchedule::discrete();
  Condition condition = placeable_condition();
  condition.start_percent = 0.2;
  condition.end_percent = 0.8;
  condition.text_start_percent = 0.4;
  condition.text_end_percent = 0.9;
  const PlacedCondition placed = placed_alone(condition);
  EXPECT_EQ(placed.region.start_sigma, schedule.percent_to_sigma(0.4));
  EXPECT_EQ(placed.region.end_sigma, schedule.percent_to_sigma(0.8));
}

TEST(PlacedCondition, CountsInTheStepsOfARun) {
  const std::vector<float> sigmas = {8, 4, 2, 1, 0};
  auto active_in = [&](int first, int end) {
    Condition condition = placeable_condition();
    condition.steps = Condition::Steps{first, end};
    const PlacedCondition placed = placed_alone(condition, sigmas);
    std::vector<bool> active;
    for (int step = 0; step < 4; ++step)
      active.push_back(placed.region.active_at(sigmas[static_cast<std::size_t>(step)]));
    return active;
  };
  EXPECT_EQ(active_in(0, 4), (std::vector<bool>{true, true, true, true}));
  EXPECT_EQ(active_in(1, 3), (std::vector<bool>{false, true, true, false}));
  EXPECT_EQ(active_in(4, 9), (std::vector<bool>{false, false, false, false}));
}

TEST(PlacedCondition, NamesWhatDoesNotFit) {
  auto failure = [](const Condition& condition) {
    DiffusionModel model = plain_model();
    auto placed = place(model, {{condition}}, kPlace, {}, false);
    return placed.ok() ? "none" : placed.error().message();
  };
  Condition outside = placeable_condition();
  outside.area = diffusion::Area{4, 4, 16, 0};
  EXPECT_EQ(failure(outside), "an area that begins at 0, 128 lies outside an image of 256x128");
}

TEST(PlacedCondition, MeetsTheCropsOfTheOtherSide) {
  Condition part = placeable_condition();
  part.area = diffusion::Area{8, 8, 4, 4};
  const Conditioning parts{{part}}, whole{{placeable_condition()}};
  const DiffusionModel model = plain_model();
  const Side others = place(model, parts, kPlace, {}, false).value();
  Side own = place(model, whole, kPlace, {}, true).value();
  add_counterparts(own, others, kPlace);
  ASSERT_EQ(own.size(), 2u);
  EXPECT_EQ(own[1].area, *part.area);
  EXPECT_EQ(own[1].condition, &whole.entries[0]);
  EXPECT_EQ(own[1].weights.shape(), (Shape{1, 8, 8}));
}

TEST(PlacedCondition, LeavesTheDefaultsWhatOthersLeave) {
  Condition part = placeable_condition(), late = placeable_condition(),
            rest = placeable_condition();
  part.area = diffusion::Area{16, 16, 0, 0};
  part.strength = 2;
  late.start_percent = 0.5;
  rest.is_default = true;
  const Conditioning all{{part, late, rest}};
  const Side side = place(plain_model(), all, kPlace, {}, false).value();
  const Tensor room = room_for_defaults(side, 14, kPlace);
  EXPECT_EQ(room.shape(), (Shape{1, 1, 16, 32}));
  EXPECT_EQ(room.data()[0], 0);
  EXPECT_EQ(room.data()[31], 1);
  EXPECT_EQ(room_for_defaults(side, 0.1, kPlace).data()[31], 0) << "late counts by then";
}

}  // namespace
}  // namespace obscura::pipeline
