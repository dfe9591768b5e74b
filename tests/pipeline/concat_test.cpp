#include "pipeline/concat.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "checkpoint/family.h"

namespace obscura::pipeline {
namespace {

const Shape kLatent{2, 4, 2, 2};

DiffusionModel model_of(std::int64_t channels) {
  static const checkpoint::Family kHalf{.name = "half", .latents = {.scale = 0.5f}};
  DiffusionModel model{.schedule = diffusion::NoiseSchedule::discrete(), .family = &kHalf};
  model.dimensions.in_channels = channels;
  model.dimensions.out_channels = 4;
  return model;
}

std::vector<float> plane(const Tensor& tensor, std::int64_t image, std::int64_t channel) {
  std::int64_t pixels = tensor.shape()[2] * tensor.shape()[3];
  const float* begin = tensor.data() + (image * tensor.shape()[1] + channel) * pixels;
  return {begin, begin + pixels};
}

std::vector<float> four(float value) {
  return std::vector<float>(4, value);
}

TEST(Concat, IsNothingForAModelThatSeesTheLatentOnly) {
  EXPECT_TRUE(concat_channels(model_of(4), {}, kLatent, {}).empty());
}

TEST(Concat, ShowsAnInpaintingModelTheMaskAndThenTheScaledImage) {
  Condition condition;
  condition.concat = ConcatLatent{Tensor::filled({1, 4, 2, 2}, 3),
                                  Tensor({1, 2, 2}, std::vector<float>{0, 0.5f, 0.51f, 1})};
  Tensor concat = concat_channels(model_of(9), condition, kLatent, {});
  EXPECT_EQ(concat.shape(), (Shape{1, 5, 2, 2}));
  EXPECT_EQ(plane(concat, 0, 0), (std::vector<float>{0, 0, 1, 1}));
  EXPECT_EQ(plane(concat, 0, 1), four(1.5f));
  EXPECT_EQ(plane(concat, 0, 4), four(1.5f));
}

TEST(Concat, TakesTheSampledImageWhereAConditionHasNone) {
  std::vector<float> values(32, 1.0f);
  std::fill(values.begin() + 16, values.end(), 2.0f);
  SampledImage sampled{Tensor(kLatent, values), Tensor::filled({1, 8, 8}, 1)};
  Tensor concat = concat_channels(model_of(9), {}, kLatent, sampled);
  EXPECT_EQ(concat.shape(), (Shape{2, 5, 2, 2}));  // its own image for each image of the batch
  EXPECT_EQ(plane(concat, 0, 0), four(1));
  EXPECT_EQ(plane(concat, 0, 1), four(1));  // it is scaled already
  EXPECT_EQ(plane(concat, 1, 1), four(2));
}

TEST(Concat, ShowsGreyWhereNothingIsKept) {
  Tensor concat = concat_channels(model_of(9), {}, kLatent, {Tensor(kLatent), std::nullopt});
  EXPECT_EQ(plane(concat, 0, 0), four(1));
  EXPECT_EQ(plane(concat, 0, 1), four(0.8223f));
  EXPECT_EQ(plane(concat, 0, 2), four(-0.6876f));
  EXPECT_EQ(plane(concat, 0, 4), four(0.1380f));
}

TEST(Concat, ShowsAnEditingModelTheImageAsItIs) {
  Condition condition;
  condition.concat = ConcatLatent{Tensor::filled({1, 4, 4, 4}, 3), std::nullopt};
  Tensor concat = concat_channels(model_of(8), condition, kLatent, {});
  EXPECT_EQ(concat.shape(), (Shape{1, 4, 2, 2}));
  EXPECT_EQ(plane(concat, 0, 0), four(3));
  EXPECT_EQ(plane(concat_channels(model_of(8), {}, kLatent, {}), 0, 3), four(0));
}

}  // namespace
}  // namespace obscura::pipeline
