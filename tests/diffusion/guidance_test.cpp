#include "diffusion/guidance.h"

#include <gtest/gtest.h>

#include <cmath>

#include "golden_data.h"
#include "tensor/random.h"

namespace obscura::diffusion {
namespace {

const Shape kShape{2, 4, 8, 8};

struct Predictions {
  Tensor x, cond, uncond;
};

Predictions predictions() {
  TorchGenerator generator(8);
  return {generator.randn(kShape), generator.randn(kShape), generator.randn(kShape)};
}

double deviation_of_velocity(const Tensor& x, const Tensor& x0, double sigma, std::int64_t image) {
  std::int64_t count = x.elements() / x.shape()[0];
  std::vector<double> v;
  double mean = 0, squares = 0;
  for (std::int64_t k = image * count; k < (image + 1) * count; ++k) {
    v.push_back((x.data()[k] / (sigma * sigma + 1) - x0.data()[k]) * std::sqrt(sigma * sigma + 1) /
                sigma);
    mean += v.back() / static_cast<double>(count);
  }
  for (double value : v) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(count - 1));
}

TEST(Guidance, CfgExtrapolates) {
  Tensor cond({1, 3}, {1, 2, 3}), uncond({1, 3}, {0, 4, 3});
  Tensor guided = cfg(cond, uncond, 7.5);
  EXPECT_FLOAT_EQ(guided.data()[0], 7.5f);
  EXPECT_FLOAT_EQ(guided.data()[1], 4 - 2 * 7.5f);
  EXPECT_FLOAT_EQ(guided.data()[2], 3);
  EXPECT_EQ(golden::max_difference(cfg(cond, uncond, 1), cond), 0);
  EXPECT_EQ(golden::max_difference(cfg(cond, uncond, 0), uncond), 0);
}

TEST(Guidance, RescalingByNothingIsCfg) {
  auto [x, cond, uncond] = predictions();
  for (double sigma : {0.03, 1.0, 14.6}) {
    Tensor rescaled = rescaled_cfg(x, sigma, cond, uncond, 7, 0);
    EXPECT_LE(golden::max_difference(rescaled, cfg(cond, uncond, 7)), 5e-5);
  }
}

TEST(Guidance, FullRescalingRestoresEachImagesContrast) {
  auto [x, cond, uncond] = predictions();
  for (double sigma : {0.5, 3.0}) {
    Tensor rescaled = rescaled_cfg(x, sigma, cond, uncond, 7, 1);
    for (std::int64_t image : {0, 1}) {
      double wanted = deviation_of_velocity(x, cond, sigma, image);
      EXPECT_NEAR(deviation_of_velocity(x, rescaled, sigma, image), wanted, 1e-4 * wanted);
    }
    Tensor plain = cfg(cond, uncond, 7);
    EXPECT_GT(deviation_of_velocity(x, plain, sigma, 0),
              2 * deviation_of_velocity(x, cond, sigma, 0));
  }
}

}  // namespace
}  // namespace obscura::diffusion
