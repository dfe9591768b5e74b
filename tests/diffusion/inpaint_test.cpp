#include "diffusion/inpaint.h"

#include <gtest/gtest.h>

#include "analytic_denoiser.h"
#include "diffusion/sigmas.h"
#include "golden_data.h"
#include "tensor/random.h"

namespace obscura::diffusion {
namespace {

const Shape kLatent{2, 4, 8, 8};

// 1 in the left half.
Tensor half_mask() {
  Tensor mask({1, 8, 8});
  for (int i = 0; i < 64; ++i) mask.values()[static_cast<std::size_t>(i)] = i % 8 < 4 ? 1 : 0;
  return mask;
}

TEST(Inpaint, TheKeptAreaComesBackUnchanged) {
  TorchGenerator generator(2);
  Tensor latent = generator.randn(kLatent), noise = generator.randn(kLatent);
  auto model = NoiseSchedule::discrete();
  Tensor mask = latent_mask(half_mask(), kLatent).value();
  auto sigmas = make_sigmas("karras", model, 6).value();
  for (const Sampler& sampler : samplers()) {
    // These stop at the smallest sigma, or take 0 for 0.001: what is left of the noise shows.
    double tolerance = sampler.name.starts_with("uni_pc") ? 0.01 : 1e-5;
    if (sampler.name == "dpm_fast" || sampler.name == "dpm_adaptive") tolerance = 0.2;
    // CFG++ takes its noise from the unconditional prediction, which is not masked; its last step
    // goes to x0 all the same.
    auto source = sampler.noise == NoiseKind::kNone
                      ? nullptr
                      : gaussian_noise(kLatent, NoiseSeeds::shared(1)).value();
    SamplerRun run{.denoise = masked_denoiser(analytic_denoiser, model, mask, latent, noise),
                   .model = model,
                   .sigmas = sigmas,
                   .noise = source.get()};
    Tensor result = sample(sampler, run, model.start(latent, noise, sigmas[0])).value();
    double kept = 0, changed = 0;
    for (std::int64_t i = 0; i < result.elements(); ++i) {
      double difference = std::fabs(result.data()[i] - latent.data()[i]);
      (i % 8 < 4 ? changed : kept) = std::max(i % 8 < 4 ? changed : kept, difference);
    }
    EXPECT_LE(kept, tolerance) << sampler.name;
    EXPECT_GT(changed, 0.5) << sampler.name;
  }
}

TEST(Inpaint, TheNetworkSeesTheLatentNoisedToSigma) {
  TorchGenerator generator(3);
  Tensor latent = generator.randn(kLatent), noise = generator.randn(kLatent),
         x = generator.randn(kLatent);
  auto model = NoiseSchedule::discrete();
  Tensor seen;
  Denoiser spy = [&](const Tensor& input, float sigma) {
    seen = input;
    return analytic_denoiser(input, sigma);
  };
  Tensor mask = latent_mask(half_mask(), kLatent).value();
  auto denoised = masked_denoiser(spy, model, mask, latent, noise)(x, 2.0f).value();
  for (std::int64_t i = 0; i < x.elements(); ++i) {
    bool changes = i % 8 < 4;
    EXPECT_FLOAT_EQ(seen.data()[i], changes ? x.data()[i] : latent.data()[i] + 2 * noise.data()[i]);
    float kept = changes ? denoised.x0.data()[i] : latent.data()[i];
    EXPECT_EQ(denoised.x0.data()[i], kept);
  }
}

TEST(Inpaint, MasksAreResizedAndRepeated) {
  Tensor masks({2, 1, 2}, {0, 1, 1, 0});
  Tensor full = latent_mask(masks, {3, 2, 1, 4}).value();
  std::vector<float> first = {0, 0.25f, 0.75f, 1}, second = {1, 0.75f, 0.25f, 0};
  auto row = [&](int i) {
    return std::vector<float>(full.data() + 4 * i, full.data() + 4 * i + 4);
  };
  EXPECT_EQ(row(0), first);
  EXPECT_EQ(row(1), first);
  EXPECT_EQ(row(2), second);
  EXPECT_EQ(row(4), first);
  EXPECT_FALSE(latent_mask(Tensor({4, 4}), kLatent).ok());
  EXPECT_FALSE(latent_mask(Tensor({1, 0, 4}), kLatent).ok());
}

TEST(Inpaint, DdimTakesFreshNoise) {
  auto seeds = NoiseSeeds::shared(std::uint64_t(-1));
  Tensor start = initial_noise(kLatent, seeds).value();
  Tensor euler = kept_area_noise(*find_sampler("euler").value(), start, seeds).value();
  Tensor ddim = kept_area_noise(*find_sampler("ddim").value(), start, seeds).value();
  EXPECT_EQ(golden::max_difference(euler, start), 0);
  EXPECT_EQ(golden::max_difference(ddim, initial_noise(kLatent, NoiseSeeds::shared(0)).value()), 0);
}

}  // namespace
}  // namespace obscura::diffusion
