#include "diffusion/sampler.h"

#include <gtest/gtest.h>

#include "analytic_denoiser.h"
#include "diffusion/latent_math.h"
#include "diffusion/sigmas.h"
#include "golden_data.h"
#include "tensor/random.h"
#include "tensor/resize.h"

namespace obscura::diffusion {
namespace {

const Shape kImage{1, 4, 8, 8};

std::vector<float> karras(int steps) {
  return make_sigmas("karras", NoiseSchedule::discrete(), steps).value();
}

std::unique_ptr<NoiseSource> noise_for(const Sampler& sampler, const Shape& shape,
                                       const NoiseSeeds& seeds, const std::vector<float>& sigmas) {
  if (sampler.noise == NoiseKind::kBrownian) return brownian_noise(shape, seeds, sigmas).value();
  if (sampler.noise == NoiseKind::kGaussian) return gaussian_noise(shape, seeds).value();
  return nullptr;
}

Tensor render(const Sampler& sampler, const NoiseSeeds& start_seeds, const NoiseSeeds& step_seeds,
              std::int64_t batch, SamplerOptions options = {}) {
  Shape shape = kImage;
  shape.set(0, batch);
  auto model = NoiseSchedule::discrete();
  auto sigmas = karras(8);
  auto noise = noise_for(sampler, shape, step_seeds, sigmas);
  Denoiser denoise = analytic_denoiser;
  SamplerRun run{.denoise = denoise,
                 .model = model,
                 .sigmas = sigmas,
                 .noise = noise.get(),
                 .options = options};
  Tensor start = initial_noise(shape, start_seeds).value();
  return sample(sampler, run, weighted_sum({{sigmas[0], start}})).value();
}

TEST(Sampler, RegistryIsInComfyUisOrder) {
  std::vector<std::string_view> wanted = {"euler",
                                          "euler_cfg_pp",
                                          "euler_ancestral",
                                          "euler_ancestral_cfg_pp",
                                          "heun",
                                          "heunpp2",
                                          "dpm_2",
                                          "dpm_2_ancestral",
                                          "lms",
                                          "dpm_fast",
                                          "dpm_adaptive",
                                          "dpmpp_2s_ancestral",
                                          "dpmpp_2s_ancestral_cfg_pp",
                                          "dpmpp_sde",
                                          "dpmpp_sde_gpu",
                                          "dpmpp_2m",
                                          "dpmpp_2m_cfg_pp",
                                          "dpmpp_2m_sde",
                                          "dpmpp_2m_sde_gpu",
                                          "dpmpp_2m_sde_heun",
                                          "dpmpp_2m_sde_heun_gpu",
                                          "dpmpp_3m_sde",
                                          "dpmpp_3m_sde_gpu",
                                          "ddpm",
                                          "lcm",
                                          "ipndm",
                                          "ipndm_v",
                                          "deis",
                                          "res_multistep",
                                          "res_multistep_cfg_pp",
                                          "res_multistep_ancestral",
                                          "res_multistep_ancestral_cfg_pp",
                                          "gradient_estimation",
                                          "gradient_estimation_cfg_pp",
                                          "er_sde",
                                          "seeds_2",
                                          "seeds_3",
                                          "sa_solver",
                                          "sa_solver_pece",
                                          "ddim",
                                          "uni_pc",
                                          "uni_pc_bh2"};
  std::vector<std::string_view> names;
  for (const Sampler& sampler : samplers()) names.push_back(sampler.name);
  EXPECT_EQ(names, wanted);
  EXPECT_EQ(find_sampler("eular").error().kind(), ErrorKind::kInvalidInput);
}

TEST(Sampler, ABatchWithSeedsEqualsSingles) {
  std::vector<std::uint64_t> seeds = {3, 99, std::uint64_t{1} << 50, 3};
  for (const Sampler& sampler : samplers()) {
    if (sampler.name == "dpm_adaptive") continue;  // steps by the error of the whole batch
    SCOPED_TRACE(sampler.name);
    auto per_image = NoiseSeeds::per_image(seeds);
    Tensor batch = render(sampler, per_image, per_image, 4);
    for (std::int64_t i = 0; i < 4; ++i) {
      auto seed = NoiseSeeds::shared(seeds[static_cast<std::size_t>(i)]);
      EXPECT_EQ(golden::max_difference(render(sampler, seed, seed, 1), batch.slice(i)), 0) << i;
    }
  }
}

TEST(Sampler, StochasticSaysWhetherStepNoiseMatters) {
  for (const Sampler& sampler : samplers()) {
    auto start = NoiseSeeds::shared(1);
    Tensor one = render(sampler, start, NoiseSeeds::shared(1), 1),
           other = render(sampler, start, NoiseSeeds::shared(2), 1);
    EXPECT_EQ(golden::max_difference(one, other) > 1e-3, sampler.stochastic) << sampler.name;
  }
}

TEST(Sampler, GpuNamesEqualTheirNamesakes) {
  auto seed = NoiseSeeds::shared(5);
  for (const Sampler& sampler : samplers()) {
    if (!sampler.name.ends_with("_gpu")) continue;
    const Sampler* namesake = find_sampler(sampler.name.substr(0, sampler.name.size() - 4)).value();
    EXPECT_EQ(
        golden::max_difference(render(sampler, seed, seed, 1), render(*namesake, seed, seed, 1)),
        0);
  }
}

// From the first call after a cancel on, the denoiser is not asked again.
TEST(Sampler, CancelStopsBeforeTheNextCall) {
  for (const Sampler& sampler : samplers()) {
    for (int cancel_at : {0, 1, 4}) {
      SCOPED_TRACE(std::string(sampler.name) + " at call " + std::to_string(cancel_at));
      CancelToken cancel;
      int calls = 0;
      Denoiser denoise = [&](const Tensor& x, float sigma) {
        ++calls;
        if (calls > cancel_at) cancel.cancel();
        return analytic_denoiser(x, sigma);
      };
      auto model = NoiseSchedule::discrete();
      auto sigmas = karras(12);
      auto noise = noise_for(sampler, kImage, NoiseSeeds::shared(1), sigmas);
      SamplerRun run{.denoise = denoise,
                     .model = model,
                     .sigmas = sigmas,
                     .noise = noise.get(),
                     .cancel = cancel};
      auto result = sample(sampler, run, Tensor::filled(kImage, 1));
      ASSERT_FALSE(result.ok());
      EXPECT_EQ(result.error().kind(), ErrorKind::kCancelled);
      EXPECT_EQ(calls, cancel_at + 1);
    }
  }
}

TEST(Sampler, OnStepSeesEveryStepAndCanStop) {
  auto model = NoiseSchedule::discrete();
  Denoiser denoise = analytic_denoiser;
  for (const Sampler& sampler : samplers()) {
    SCOPED_TRACE(sampler.name);
    auto sigmas = karras(6);
    auto noise = noise_for(sampler, kImage, NoiseSeeds::shared(1), sigmas);
    std::vector<int> steps;
    SamplerRun run{.denoise = denoise, .model = model, .sigmas = sigmas, .noise = noise.get()};
    run.on_step = [&](int step, int count, float sigma, const Tensor& x, const Tensor& x0) {
      EXPECT_EQ(count, 6);
      EXPECT_GT(sigma, 0);
      EXPECT_EQ(x.shape(), x0.shape());
      steps.push_back(step);
      return Status();
    };
    ASSERT_TRUE(sample(sampler, run, Tensor::filled(kImage, 1)).ok());
    EXPECT_TRUE(std::is_sorted(steps.begin(), steps.end()));
    EXPECT_EQ(steps.front(), 0);
    if (!sampler.name.starts_with("dpm_fast") && sampler.name != "dpm_adaptive") {
      EXPECT_EQ(steps, (std::vector<int>{0, 1, 2, 3, 4, 5}));
    }
    run.on_step = [](int step, int, float, const Tensor&, const Tensor&) {
      return step < 2 ? Status() : Status(Error(ErrorKind::kIo, "disk full"));
    };
    EXPECT_EQ(sample(sampler, run, Tensor::filled(kImage, 1)).error().kind(), ErrorKind::kIo);
  }
}

TEST(Sampler, BadInputIsAnError) {
  auto model = NoiseSchedule::discrete();
  Denoiser denoise = analytic_denoiser;
  auto noise = gaussian_noise(kImage, NoiseSeeds::shared(1)).value();
  SamplerRun good{.denoise = denoise, .model = model, .sigmas = karras(4), .noise = noise.get()};
  auto kind_of = [&](std::string_view name, const SamplerRun& run) {
    return sample(*find_sampler(name).value(), run, Tensor::filled(kImage, 1)).error().kind();
  };
  SamplerRun run = good;
  run.options = {{"etta", 1.0}};
  EXPECT_EQ(kind_of("euler_ancestral", run), ErrorKind::kInvalidInput);
  run.options = {{"eta", -1.0}};
  EXPECT_EQ(kind_of("euler_ancestral", run), ErrorKind::kInvalidInput);
  run.options = {{"eta", "much"}};
  EXPECT_EQ(kind_of("euler_ancestral", run), ErrorKind::kInvalidInput);
  run.options = {{"solver_type", "euler"}};
  EXPECT_EQ(kind_of("dpmpp_2m_sde", run), ErrorKind::kInvalidInput);
  run.options = {{"r_1", 0.7}, {"r_2", 0.6}};
  EXPECT_EQ(kind_of("seeds_3", run), ErrorKind::kInvalidInput);
  run.options = {{"accept_safety", 90.0}};  // no step is ever good enough
  EXPECT_EQ(kind_of("dpm_adaptive", run), ErrorKind::kNumeric);
  run = good;
  run.sigmas = {1, 2, 0};
  EXPECT_EQ(kind_of("euler", run), ErrorKind::kInvalidInput);
  run.sigmas = {1, std::nanf(""), 0};
  EXPECT_EQ(kind_of("euler", run), ErrorKind::kInvalidInput);
  run.sigmas = {};
  EXPECT_EQ(golden::max_difference(sample(samplers()[0], run, Tensor::filled(kImage, 3)).value(),
                                   Tensor::filled(kImage, 3)),
            0);
}

TEST(Sampler, ANaNFromTheNetworkStopsTheRun) {
  auto model = NoiseSchedule::discrete();
  for (float poison : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    int calls = 0;
    Denoiser denoise = [&](const Tensor& x, float) {
      Tensor x0(x.shape());
      if (++calls == 3) x0.values()[5] = poison;
      return Result<Denoised>(Denoised{x0, {}});
    };
    SamplerRun run{.denoise = denoise, .model = model, .sigmas = karras(5)};
    auto result = sample(*find_sampler("dpmpp_2m").value(), run, Tensor::filled(kImage, 1));
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().kind(), ErrorKind::kNumeric);
    EXPECT_EQ(calls, 3);
  }
}

// One step of UniPC is its first-order predictor: x0, but for the 0.001 that stands for sigma 0.
TEST(Sampler, OneStepOfUniPcDenoises) {
  auto model = NoiseSchedule::discrete();
  Denoiser denoise = analytic_denoiser;
  Tensor x = TorchGenerator(1).randn(kImage);
  x = weighted_sum({{14.6, x}});
  for (const char* name : {"uni_pc", "uni_pc_bh2"}) {
    SamplerRun run{.denoise = denoise, .model = model, .sigmas = karras(1)};
    Tensor result = sample(*find_sampler(name).value(), run, x).value();
    EXPECT_LE(golden::max_difference(result, analytic_x0(x, run.sigmas[0])), 0.005);
  }
}

TEST(WeightedSum, SumsInDouble) {
  Tensor big({3}, {1e8f, 1, 2}), small({3}, {1, 2, 3});
  Tensor sum = weighted_sum({{1, big}, {1, small}, {-1, big}});
  EXPECT_EQ(std::vector<float>(sum.values().begin(), sum.values().end()),
            (std::vector<float>{1, 2, 3}));
  Tensor infinite({3}, {INFINITY, 0, 0});
  EXPECT_EQ(weighted_sum({{1, small}, {0, infinite}}).data()[0], 1);
  EXPECT_THROW(weighted_sum({{1, small}, {1, Tensor({4})}}), InternalError);
}

// The image grows in the first half of the steps, and the noise with it.
TEST(Sampler, LcmUpscaleGrowsFromStepToStep) {
  const Sampler& sampler = *find_sampler("lcm_upscale").value();
  const std::vector<float> sigmas = {10, 4, 2, 0.5f, 0};
  const Tensor start = initial_noise(Shape{1, 4, 6, 10}, NoiseSeeds::shared(3)).value();
  auto noise = gaussian_noise(start.shape(), NoiseSeeds::shared(5)).value();
  SamplerRun run{.denoise = analytic_denoiser,
                 .model = NoiseSchedule::discrete(),
                 .sigmas = sigmas,
                 .noise = noise.get(),
                 .options = {{"total_upscale", 1.5}, {"upscale_method", "bilinear"}}};
  auto found = sample(sampler, run, start);
  ASSERT_TRUE(found.ok()) << found.error().message();

  // Two growths, to 1.25 and 1.5 times the size; 7.5 and 12.5 round to even.
  const std::int64_t heights[] = {8, 9, 9, 9}, widths[] = {12, 15, 15, 15};
  TorchGenerator generator(5);
  Tensor x = start;
  for (std::size_t i = 0; i < 4; ++i) {
    x = resize(analytic_x0(x, sigmas[i]), widths[i], heights[i], ResizeMethod::kBilinear);
    if (sigmas[i + 1] > 0) x = weighted_sum({{1, x}, {sigmas[i + 1], generator.randn(x.shape())}});
  }
  EXPECT_EQ(found->shape(), (Shape{1, 4, 9, 15}));
  EXPECT_LT(golden::max_difference(*found, x), 1e-5);

  noise->resize(6, 10);
  run.options = {{"upscale_steps", 0.0}, {"total_upscale", 2.0}};
  EXPECT_EQ(sample(sampler, run, start)->shape(), start.shape()) << "no step to grow in";
  run.options = {{"total_upscale", 0.1}, {"upscale_steps", 1.0}};
  EXPECT_EQ(sample(sampler, run, Tensor(Shape{1, 4, 3, 3})).error().message(),
            "[lcm_upscale] nothing is left of a latent of 3x3 at 0.100000 of its size");
}

}  // namespace
}  // namespace obscura::diffusion
