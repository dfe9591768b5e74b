// The guidance rules against small cases worked out by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "diffusion/guidance.h"
#include "diffusion/inpaint.h"
#include "diffusion/noise.h"
#include "diffusion/noise_schedule.h"

namespace obscura::diffusion {
namespace {

using Floats = std::vector<float>;

// One image of one channel.
Tensor row(const Floats& values) {
  return Tensor(Shape{1, 1, 1, static_cast<std::int64_t>(values.size())}, values);
}

void expect_row(const Tensor& found, const Floats& wanted, double tolerance = 1e-5) {
  ASSERT_EQ(found.elements(), static_cast<std::int64_t>(wanted.size()));
  for (std::size_t i = 0; i < wanted.size(); ++i)
    EXPECT_NEAR(found.data()[i], wanted[i], tolerance) << "number " << i;
}

// Of the negative (3, 2) only (0, 2) is perpendicular to the positive (1, 0).
TEST(PerpNeg, CountsThePerpendicularPart) {
  expect_row(perpendicular_negative(row({1, 0}), row({3, 2}), row({0, 0}), 4, 0.5), {4, -4});
}

TEST(RenormedCfg, IsNoLongerThanAllowed) {
  expect_row(renormed_cfg(row({3, 4}), row({0, 0}), 10, 2), {6, 8});
  expect_row(renormed_cfg(row({3, 4}), row({0, 0}), 1.5, 2), {4.5f, 6});
}

// Noise (4, 0) and (0, 1): the first singular vector is (1, 0), so nothing is left of the second.
TEST(TangentialDamping, KeepsTheCommonDirection) {
  expect_row(tangentially_damped(row({0, 0}), row({-4, 0}), row({0, -1})), {0, 0});
  expect_row(tangentially_damped(row({0, 0}), row({0, -1}), row({-4, 0})), {-4, 0});
  // Equal directions lose nothing.
  expect_row(tangentially_damped(row({0, 0}), row({-1, -1}), row({-2, -2})), {-2, -2});
}

// x - cond = (2, 0), x - uncond = (1, 0): the best fit is 2.
TEST(ZeroStar, ScalesTheNegativeToFit) {
  const Tensor x = row({0, 0}), cond = row({-2, 0}), uncond = row({-1, 0});
  expect_row(zero_star(x, cond, uncond, cfg(cond, uncond, 3), 3), {-4 + (1 - 2) * 2 * -1, 0});
}

TEST(NormLimited, NeverLengthensAPixel) {
  const Tensor cond = Tensor(Shape{1, 2, 1, 2}, {3, 1, 4, 0});
  const Tensor guided = Tensor(Shape{1, 2, 1, 2}, {6, .5f, 8, 0});
  expect_row(norm_limited(cond, guided, 1), {3, .5f, 4, 0});
}

// All agree in direction: the guided prediction itself.
TEST(Mahiro, KeepsGuidanceThatAgrees) {
  const Tensor cond = row({1, 2}), guided = row({2, 4});
  expect_row(mahiro(cond, cond, guided, 2), {2, 4});
  // Opposite: scale * cond alone.
  expect_row(mahiro(cond, row({-1, -2}), guided, 2), {2, 4});
}

TEST(Projected, GivesPlainCfgAtItsDefaults) {
  const Tensor cond = row({1, 0}), uncond = row({0, 1});
  const Tensor guidance = row({1, -1});
  Tensor as_cond = projected(cond, uncond, guidance, 4, 1, 0);
  // eta 1, no limit: uncond + guidance + guidance / 4.
  expect_row(as_cond, {1.25f, -.25f});
  // eta 0 drops what points along cond; a limit shortens first.
  expect_row(projected(cond, uncond, guidance, 4, 0, std::sqrt(2.0) / 2), {.25f, .25f});
}

TEST(ScaledFrequencies, TellLowFromHigh) {
  Tensor planes(Shape{1, 1, 4, 4});
  for (std::int64_t i = 0; i < 16; ++i)
    planes.data()[i] = 1 + (i % 2 == 0 ? .5f : -.5f);  // a mean, and the highest frequency
  Tensor low = scaled_frequencies(planes, 1, 0, 1);
  for (float value : low.values()) EXPECT_NEAR(value, 1, 1e-5);
  Tensor same = scaled_frequencies(planes, 1, 1, 20);
  for (std::int64_t i = 0; i < 16; ++i) EXPECT_NEAR(same.data()[i], planes.data()[i], 1e-5);
}

// An image's result does not depend on its neighbours in the batch.
TEST(GuidanceRules, KeepImagesApart) {
  const Tensor cond(Shape{2, 1, 1, 2}, {1, 2, -3, 5}), uncond(Shape{2, 1, 1, 2}, {.5f, -1, 2, 7});
  const Tensor x(Shape{2, 1, 1, 2}, {3, 1, 4, 1});
  const Tensor batch = tangentially_damped(x, cond, uncond);
  const Tensor single = tangentially_damped(x.slice(1), cond.slice(1), uncond.slice(1));
  EXPECT_EQ(batch.slice(1).data()[0], single.data()[0]);
  EXPECT_EQ(mahiro(cond, uncond, cond, 3).slice(1).data()[1],
            mahiro(cond.slice(1), uncond.slice(1), cond.slice(1), 3).data()[1]);
}

TEST(DifferentialMask, OpensFromStepToStep) {
  const Tensor mask = row({0, .3f, .6f, 1});
  const DifferentialMask rule{
      999,
      0,
      1,
  };
  expect_row(rule.at(mask, 999), {0, 0, 0, 1});
  expect_row(rule.at(mask, 499.5), {0, 0, 1, 1});
  expect_row(rule.at(mask, 0), {1, 1, 1, 1});
  const DifferentialMask half{999, 0, .5};
  expect_row(half.at(mask, 499.5), {0, .15f, .8f, 1});
}

TEST(SphericallyMixed, KeepsTheLength) {
  expect_row(spherically_mixed(row({1, 0}), row({0, 1}), .5), {std::sqrt(.5f), std::sqrt(.5f)});
  expect_row(spherically_mixed(row({1, 0}), row({2, 0}), .5), {1.5f, 0});
}

// Image 1 of a batch is the first of seed + 1; a delta of the step noise's seed changes only that.
TEST(VariedNoise, CountsSeedsUp) {
  const Shape two{2, 4, 8, 8}, one{1, 4, 8, 8};
  for (bool nvidia : {true, false}) {
    const VariedNoise noise{.seed = 5, .nvidia = nvidia};
    const Tensor batch = initial_noise(two, noise).value();
    const Tensor next = initial_noise(one, {.seed = 6, .nvidia = nvidia}).value();
    EXPECT_EQ(batch.slice(1).data()[3], next.data()[3]);
    VariedNoise varied = noise;
    varied.variation_seed = 9;
    varied.variation_strength = 1;
    EXPECT_NEAR(initial_noise(one, varied).value().data()[0],
                initial_noise(one, {.seed = 9, .nvidia = nvidia}).value().data()[0], 1e-6);
    VariedNoise shifted = noise;
    shifted.eta_seed_delta = 31337;
    EXPECT_EQ(initial_noise(one, shifted).value().data()[0], batch.data()[0]);
    EXPECT_NE(gaussian_noise(one, shifted)->draw(2, 1).data()[0],
              gaussian_noise(one, noise)->draw(2, 1).data()[0]);
  }
}

// Each prediction, given what a perfect network would say of x0 at sigma, gives x0 back.
TEST(NoiseSchedule, ReadsEveryPrediction) {
  const Tensor x0 = row({.5f, -1}), noise = row({.3f, .8f});
  const double sigma = 2;
  const Tensor x = row({.5f + 2 * .3f, -1 + 2 * .8f});
  auto v_output = [&](double data) {
    // v = (x data^2 / (sigma^2 + data^2) - x0) * sqrt(sigma^2 + data^2) / (sigma data)
    Tensor v(x.shape());
    const double variance = sigma * sigma + data * data;
    for (std::int64_t i = 0; i < 2; ++i)
      v.data()[i] = static_cast<float>((x.data()[i] * data * data / variance - x0.data()[i]) *
                                       std::sqrt(variance) / (sigma * data));
    return v;
  };
  auto continuous = [&](Prediction prediction, double data) {
    return NoiseSchedule::continuous(prediction, .002, 80, data, ContinuousTime::kLogSigma);
  };
  expect_row(continuous(Prediction::kEpsilon, 1).denoised(x, noise, sigma), {.5f, -1});
  expect_row(continuous(Prediction::kV, 1).denoised(x, v_output(1), sigma), {.5f, -1});
  Tensor edm = v_output(.5);
  for (float& value : edm.values()) value = -value;
  expect_row(continuous(Prediction::kEdm, .5).denoised(x, edm, sigma), {.5f, -1});
  expect_row(NoiseSchedule::discrete(Prediction::kX0).denoised(x, x0, sigma), {.5f, -1});
  // At high timesteps the boundary conditions leave the prediction as it is.
  expect_row(NoiseSchedule::distilled().denoised(x, noise, sigma), {.5f, -1}, 1e-3);
}

TEST(NoiseSchedule, GoesBetweenSigmaAndTimestep) {
  const auto log =
      NoiseSchedule::continuous(Prediction::kEdm, .002, 80, .5, ContinuousTime::kLogSigma);
  EXPECT_NEAR(log.timestep(2), std::log(2.0) / 4, 1e-9);
  EXPECT_NEAR(log.sigma(log.timestep(2)), 2, 1e-9);
  EXPECT_NEAR(log.percent_to_sigma(.5), std::sqrt(.002 * 80), 1e-6);
  const auto angle = NoiseSchedule::continuous(Prediction::kV, .03, 500, 1, ContinuousTime::kAngle);
  EXPECT_NEAR(angle.timestep(1), .5, 1e-9);
  EXPECT_NEAR(angle.sigma(.5), 1, 1e-9);
  const auto distilled = NoiseSchedule::distilled();
  EXPECT_EQ(distilled.sigmas().size(), 50u);
  EXPECT_EQ(distilled.timestep(distilled.sigma_max()), 999);
  EXPECT_EQ(distilled.timestep(distilled.sigma_min()), 19);
}

}  // namespace
}  // namespace obscura::diffusion
