#include "diffusion/regions.h"

#include <gtest/gtest.h>

#include "golden_data.h"
#include "tensor/random.h"

namespace obscura::diffusion {
namespace {

const Shape kRegionLatent{2, 4, 32, 48};

Region region_of(Area area) {
  Region region;
  region.area = area;
  return region;
}

// The weights along the middle row, or column, of the first image.
std::vector<float> middle_row(const Tensor& weights) {
  std::int64_t height = weights.shape()[1], width = weights.shape()[2];
  const float* row = weights.data() + height / 2 * width;
  return {row, row + width};
}

TEST(Regions, AreasFadeInsideButNotAtTheBorder) {
  // 20 wide: fades over 20 / 4 = 5 pixels; at the left border not at all.
  Tensor at_border = region_weights(region_of({32, 20, 0, 0}), kRegionLatent);
  std::vector<float> row = middle_row(at_border);
  ASSERT_EQ(row.size(), 20u);
  EXPECT_EQ(row[0], 1);
  EXPECT_EQ(row[14], 1);
  EXPECT_FLOAT_EQ(row[15], 1);
  EXPECT_FLOAT_EQ(row[16], 0.8f);
  EXPECT_FLOAT_EQ(row[19], 0.2f);

  // 40 wide: 8 pixels, on both sides.
  row = middle_row(region_weights(region_of({32, 40, 0, 4}), kRegionLatent));
  EXPECT_FLOAT_EQ(row[0], 1 / 8.0f);
  EXPECT_FLOAT_EQ(row[6], 7 / 8.0f);
  EXPECT_FLOAT_EQ(row[7], 1);
  EXPECT_FLOAT_EQ(row[39], 1 / 8.0f);

  // A corner is the product of both axes.
  Tensor inner = region_weights(region_of({16, 16, 8, 8}), kRegionLatent);
  EXPECT_FLOAT_EQ(inner.data()[0], 1 / 16.0f);
}

TEST(Regions, MasksDoNotFade) {
  Region region = region_of({16, 16, 8, 8});
  region.mask = Tensor::filled({1, 32, 48}, 0.5f);
  region.mask_strength = 0.5;
  region.strength = 3;
  Tensor weights = region_weights(region, kRegionLatent);
  EXPECT_EQ(weights.shape(), (Shape{2, 16, 16}));
  for (float weight : weights.values()) EXPECT_FLOAT_EQ(weight, 0.75f);
}

TEST(Regions, AreasAreCutAtTheBorder) {
  EXPECT_EQ(evaluated_area(region_of({64, 64, 24, 40}), kRegionLatent), (Area{8, 8, 24, 40}));
  EXPECT_THROW(evaluated_area(region_of({8, 8, 32, 0}), kRegionLatent), InternalError);
  EXPECT_EQ(area_of_fractions(0.5, 0.25, 0.5, 0.1, kRegionLatent), (Area{16, 12, 16, 5}));
  EXPECT_EQ(area_of_fractions(0, 0, 0, 0, kRegionLatent), (Area{1, 1, 0, 0}));
}

TEST(Regions, CutOutTakesTheArea) {
  Tensor latent = TorchGenerator(1).randn(kRegionLatent);
  Tensor part = cut_out(latent, {3, 5, 7, 11});
  ASSERT_EQ(part.shape(), (Shape{2, 4, 3, 5}));
  EXPECT_EQ(part.data()[(1 * 4 + 2) * 15 + 2 * 5 + 4],
            latent.data()[((1 * 4 + 2) * 32 + 9) * 48 + 15]);
}

TEST(Regions, MaskBounds) {
  Tensor mask({2, 32, 48});
  EXPECT_EQ(bounds_of_mask(mask), (Area{8, 8, 0, 0}));
  mask.values()[5 * 48 + 10] = 0.1f;
  EXPECT_EQ(bounds_of_mask(mask), (Area{8, 8, 5, 10}));
  mask.values()[32 * 48 + 25 * 48 + 12] = -1;  // in the second mask
  EXPECT_EQ(bounds_of_mask(mask), (Area{21, 8, 5, 10}));
}

TEST(Regions, FitMaskIsBilinear) {
  Tensor mask({1, 2, 2}, {0, 1, 0, 1});
  Tensor fitted = fit_mask(mask, {1, 4, 4, 4});
  std::vector<float> row(fitted.data(), fitted.data() + 4);
  EXPECT_EQ(row, (std::vector<float>{0, 0.25f, 0.75f, 1}));
}

TEST(Regions, TheMeanIsWeighted) {
  Shape latent{1, 2, 8, 8};
  Region everywhere;
  everywhere.strength = 3;
  Region left = region_of({8, 4, 0, 0});
  RegionPrediction parts[] = {
      {Tensor::filled(latent, 1), evaluated_area(everywhere, latent),
       region_weights(everywhere, latent)},
      {Tensor::filled({1, 2, 8, 4}, 5), evaluated_area(left, latent), region_weights(left, latent)},
  };
  Tensor mean = weighted_mean(latent, parts);
  EXPECT_FLOAT_EQ(mean.data()[0], (3 * 1 + 5) / 4.0f);
  EXPECT_FLOAT_EQ(mean.data()[64 + 9], (3 * 1 + 5) / 4.0f);
  EXPECT_FLOAT_EQ(mean.data()[4], 1);
  // Alone, the left part leaves the rest at 0.
  Tensor alone = weighted_mean(latent, std::span(parts).subspan(1));
  EXPECT_FLOAT_EQ(alone.data()[0], 5);
  EXPECT_EQ(alone.data()[4], 0);
}

TEST(Regions, ASingleRegionIsItsPrediction) {
  Tensor x0 = TorchGenerator(4).randn(kRegionLatent);
  Region whole;
  RegionPrediction parts[] = {
      {x0, evaluated_area(whole, kRegionLatent), region_weights(whole, kRegionLatent)}};
  EXPECT_EQ(golden::max_difference(weighted_mean(kRegionLatent, parts), x0), 0);
}

TEST(Regions, ActiveBetweenItsSigmas) {
  Region region;
  EXPECT_TRUE(region.active_at(14.6) && region.active_at(0.03));
  region.start_sigma = 5;
  region.end_sigma = 1;
  EXPECT_FALSE(region.active_at(5.1));
  EXPECT_TRUE(region.active_at(5) && region.active_at(1));
  EXPECT_FALSE(region.active_at(0.9));
}

TEST(Regions, CounterpartsComeFromTheSmallestThatContains) {
  Region whole, large = region_of({24, 24, 0, 0}), small = region_of({8, 8, 4, 4}),
                far = region_of({8, 8, 24, 40});
  Region own[] = {whole, large};
  Region others[] = {small, far, whole, large};
  auto added = counterparts(own, others);
  ASSERT_EQ(added.size(), 2u);  // `large` is there already, `whole` has no area
  EXPECT_EQ(added[0].conditioning, 1u);
  EXPECT_EQ(added[0].region.area, small.area);
  EXPECT_EQ(added[1].conditioning, 0u);
  EXPECT_EQ(added[1].region.area, far.area);
  EXPECT_TRUE(counterparts(std::span(own).subspan(1), std::span(others).subspan(1, 1)).empty());
}

}  // namespace
}  // namespace obscura::diffusion
