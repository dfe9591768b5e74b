#include "diffusion/step_reuse.h"

#include <gtest/gtest.h>

#include <array>
#include <utility>

namespace obscura::diffusion {
namespace {

// A latent of one pixel: what the rule makes of it can be worked out by hand.
Tensor pixel(double value) {
  return Tensor(Shape{1, 1, 1, 1}, {static_cast<float>(value)});
}

ReuseOptions always(double threshold) {
  return {.threshold = threshold, .start_sigma = 1e9, .end_sigma = 0};
}

// Twice the input, so that the rate is 2 and an estimate |x - x'| / |x'|, with x' computed last.
//   x      9.9 -> 9.8: 0.0101 left out    9.9 -> 9.7: 0.0303 in all, computed
//          9.7 -> 9.6: 0.0103 left out    9.7 -> 9.5: 0.0309 in all, computed
TEST(LazyDenoiser, LeavesOutWhatTheDefinitionSays) {
  ReuseCount count;
  std::vector<float> computed;
  const Denoiser denoise = lazy_denoiser(
      [&](const Tensor& x, float) -> Result<Denoised> {
        computed.push_back(x.data()[0]);
        return Denoised{pixel(2 * x.data()[0]), pixel(3 * x.data()[0])};
      },
      always(0.025), count);
  std::vector<float> x0, uncond;
  for (double x : {10.0, 9.9, 9.8, 9.7, 9.6, 9.5}) {
    const Denoised result = denoise(pixel(x), 1).value();
    x0.push_back(result.x0.data()[0]);
    uncond.push_back(result.uncond_x0.data()[0]);
  }
  EXPECT_EQ(computed, (std::vector<float>{10.0f, 9.9f, 9.7f, 9.5f}));
  EXPECT_EQ(count.asked, 6);
  EXPECT_EQ(count.left_out, (std::vector<int>{2, 4}));
  // 9.8 + (19.8 - 9.9) and 9.6 + (19.4 - 9.7); 9.8 + (29.7 - 9.9).
  EXPECT_FLOAT_EQ(x0[2], 19.7f);
  EXPECT_FLOAT_EQ(x0[4], 19.3f);
  EXPECT_FLOAT_EQ(uncond[2], 29.6f);
  EXPECT_FLOAT_EQ(x0[5], 19.0f);
}

TEST(LazyDenoiser, LeavesOutNothingOutsideItsTime) {
  ReuseCount count;
  int calls = 0;
  const Denoiser denoise = lazy_denoiser(
      [&](const Tensor& x, float) -> Result<Denoised> {
        ++calls;
        return Denoised{pixel(2 * x.data()[0]), Tensor()};
      },
      {.threshold = 3, .start_sigma = 5, .end_sigma = 2}, count);
  for (float sigma : {7.0f, 6.0f, 5.0f, 4.0f, 3.0f, 2.0f, 1.0f}) {
    const Denoised result = denoise(pixel(sigma), sigma).value();
    EXPECT_TRUE(result.uncond_x0.empty());
  }
  // At 5 the rate is learned; 4 and 3 are left out; from 2 on nothing is.
  EXPECT_EQ(count.left_out, (std::vector<int>{3, 4}));
  EXPECT_EQ(calls, 5);
}

TEST(LazyDenoiser, ThresholdZeroAndErrorsPassThrough) {
  ReuseCount count;
  const Denoiser denoise = lazy_denoiser(
      [](const Tensor& x, float sigma) -> Result<Denoised> {
        if (sigma < 1) return Error(ErrorKind::kNumeric, "broken");
        return Denoised{x, x};
      },
      always(0), count);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(denoise(pixel(4), 2).value().x0.data()[0], 4);
  EXPECT_EQ(denoise(pixel(4), 0.5f).error().message(), "broken");
  EXPECT_EQ(count.asked, 6);
  EXPECT_TRUE(count.left_out.empty());
}

// Only every eighth row and column is looked at; a size is that of all.
TEST(ChangeEstimate, LooksAtEveryEighthRowAndColumn) {
  ChangeEstimate estimate(0.5);
  Tensor x = Tensor::filled({1, 1, 16, 9}, 1);
  auto plus = [&](std::int64_t row, std::int64_t column, float value) {
    Tensor changed = x.clone();
    changed.data()[row * 9 + column] += value;
    return changed;
  };
  EXPECT_FALSE(estimate.stays_small(x));
  estimate.computed(x, x);
  x = plus(8, 8, 4);  // of four that are seen
  EXPECT_FALSE(estimate.stays_small(x));
  estimate.computed(x, x);  // the rate is 1
  EXPECT_TRUE(estimate.stays_small(plus(7, 7, 1000)));
  EXPECT_FALSE(estimate.stays_small(plus(0, 0, 4)));  // 1, of a mean of 1 + 4 / 144
}

// Two conditions, of which the last leads; each adds what it added last.
TEST(ConditionReuse, FollowsOneConditionAndGivesEachItsOwn) {
  ConditionReuse reuse(always(0.025));
  const char conditions[3] = {};
  const std::array<const void*, 2> both = {&conditions[0], &conditions[1]};
  std::vector<int> made;
  auto step = [&](double first, double last) {
    reuse.begin_step(1);
    const std::array inputs = {pixel(first), pixel(last)};
    auto outputs = reuse.foretold(both, inputs);
    if (outputs) return std::pair((*outputs)[0].data()[0], (*outputs)[1].data()[0]);
    made.push_back(reuse.count().asked - 1);
    const std::array computed = {pixel(-first), pixel(2 * last)};
    reuse.computed(both, inputs, concatenate(computed));
    return std::pair(computed[0].data()[0], computed[1].data()[0]);
  };
  step(5, 10);
  step(6, 9.9);
  const auto left_out = step(7, 9.8);
  EXPECT_FLOAT_EQ(left_out.first, 7 - 12);
  EXPECT_FLOAT_EQ(left_out.second, 19.7f);
  step(8, 9.7);
  EXPECT_EQ(made, (std::vector<int>{0, 1, 3}));
  EXPECT_EQ(reuse.count().left_out, (std::vector<int>{2}));

  // A condition that was not active before has to be computed, whatever the others do.
  reuse.begin_step(1);
  const std::array inputs = {pixel(8), pixel(9.6)};
  EXPECT_TRUE(reuse.foretold(both, inputs).has_value());
  const std::array<const void*, 1> late = {&conditions[2]};
  EXPECT_FALSE(reuse.foretold(late, std::span(inputs).first(1)).has_value());

  reuse.forget();
  reuse.begin_step(1);
  EXPECT_FALSE(reuse.foretold(both, inputs).has_value());
  EXPECT_EQ(reuse.count().asked, 6);
}

}  // namespace
}  // namespace obscura::diffusion
