#include <gtest/gtest.h>

#include <cmath>

#include "nodes/node_harness.h"

namespace obscura::nodes {
namespace {

using Floats = std::vector<float>;

Value sigmas(Floats values) {
  return sigmas_value(std::move(values));
}

Floats list(const Value& value) {
  return value.get<Sigmas>().values;
}

TEST(SplitSigmas, SharesTheSigmaAtTheCut) {
  auto parts =
      call_node("SplitSigmas", {{"sigmas", sigmas({4, 3, 2, 0})}, {"step", Value::integer(1)}})
          .value();
  EXPECT_EQ(list(parts[0]), (Floats{4, 3}));
  EXPECT_EQ(list(parts[1]), (Floats{3, 2, 0}));
  parts = call_node("SplitSigmasDenoise",
                    {{"sigmas", sigmas({4, 3, 2, 1, 0})}, {"denoise", Value::number(.5)}})
              .value();
  EXPECT_EQ(list(parts[0]), (Floats{4, 3, 2}));
  EXPECT_EQ(list(parts[1]), (Floats{2, 1, 0}));
}

TEST(FlipSigmas, EndsAboveZero) {
  EXPECT_EQ(list(only_output("FlipSigmas", {{"sigmas", sigmas({4, 2, 0})}})),
            (Floats{.0001f, 2, 4}));
}

TEST(SetFirstSigma, ReplacesIt) {
  EXPECT_EQ(list(only_output("SetFirstSigma",
                             {{"sigmas", sigmas({4, 2, 0})}, {"sigma", Value::number(9)}})),
            (Floats{9, 2, 0}));
}

TEST(ExtendIntermediateSigmas, DividesTheStepsBetween) {
  auto extended = [](const char* spacing) {
    return list(only_output("ExtendIntermediateSigmas", {{"sigmas", sigmas({20, 10, 5, 0})},
                                                         {"steps", Value::integer(2)},
                                                         {"start_at_sigma", Value::number(12)},
                                                         {"end_at_sigma", Value::number(5)},
                                                         {"spacing", Value::string(spacing)}}));
  };
  EXPECT_EQ(extended("linear"), (Floats{20, 10, 7.5f, 5, 2.5f, 0}));
  EXPECT_NEAR(extended("sine")[2], 10 - 5 * (1 - std::cos(.25 * 3.14159265)), 1e-5);
}

TEST(Schedulers, RefuseARangeUpsideDown) {
  auto made = call_node("KarrasScheduler",
                        {{"sigma_min", Value::number(5)}, {"sigma_max", Value::number(1)}});
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().message().find("sigma_min"), std::string::npos);
}

struct Made {
  const char* node;
  float second;  // of four, from 10 to 0.1
};
class Scheduler : public testing::TestWithParam<Made> {};

TEST_P(Scheduler, MakesItsLevels) {
  Floats made = list(only_output(GetParam().node, {{"steps", Value::integer(3)},
                                                   {"sigma_max", Value::number(10)},
                                                   {"sigma_min", Value::number(.1)}}));
  ASSERT_GE(made.size(), 3u);
  EXPECT_NEAR(made[0], 10, 1e-4);
  EXPECT_NEAR(made[1], GetParam().second, 1e-3);
  EXPECT_NEAR(made[2], .1, 1e-5);
}

// Karras: ((10^(1/7) + 0.1^(1/7)) / 2)^7; the others are geometric.
INSTANTIATE_TEST_SUITE_P(All, Scheduler,
                         testing::Values(Made{"KarrasScheduler", 1.4507f},
                                         Made{"ExponentialScheduler", 1},
                                         Made{"PolyexponentialScheduler", 1}));

TEST(Samplers, CarryTheirOptions) {
  Value sampler = only_output("SamplerDPMPP_2M_SDE", {{"solver_type", Value::string("heun")},
                                                      {"eta", Value::number(.5)},
                                                      {"noise_device", Value::string("gpu")}});
  const auto& chosen = sampler.get<SamplerChoice>();
  EXPECT_EQ(chosen.name, "dpmpp_2m_sde");
  EXPECT_EQ(std::get<std::string>(chosen.options.at("solver_type")), "heun");
  EXPECT_EQ(std::get<double>(chosen.options.at("eta")), .5);
}

// Every sampler node names a sampler that exists and options that it has.
class SamplerNode : public testing::TestWithParam<const char*> {};

TEST_P(SamplerNode, FitsItsSampler) {
  const graph::NodeType* node = graph::NodeRegistry::builtin().find(GetParam());
  ASSERT_NE(node, nullptr);
  GivenInputs inputs;
  for (const graph::InputSpec& input : node->inputs()) {
    if (input.declared_default()) continue;
    if (input.is_choice())
      inputs.emplace_back(input.name(), Value::string(input.choices(graph::Environment())[0]));
    else if (input.type() == "BOOLEAN")
      inputs.emplace_back(input.name(), Value::boolean(true));
  }
  const SamplerChoice choice = only_output(GetParam(), inputs).get<SamplerChoice>();
  auto sampler = diffusion::find_sampler(choice.name);
  ASSERT_TRUE(sampler.ok());
  auto noise = diffusion::gaussian_noise(Shape{1, 1, 1, 16}, diffusion::NoiseSeeds::shared(1));
  diffusion::SamplerRun run{.denoise = [](const Tensor& x, float) -> Result<diffusion::Denoised> {
                              return diffusion::Denoised{Tensor(x.shape()), Tensor(x.shape())};
                            },
                            .model = diffusion::NoiseSchedule::discrete(),
                            .sigmas = {2, 1, 0},
                            .noise = noise->get(),
                            .on_step = {},
                            .cancel = {},
                            .options = choice.options};
  auto x = diffusion::sample(**sampler, run, Tensor::filled({1, 1, 1, 16}, 1));
  ASSERT_TRUE(x.ok()) << x.error().message();
  // The image is black; dpm_adaptive alone stops at the last sigma above 0.
  const bool whole_way = choice.name != "dpm_adaptive";
  for (float value : x->values()) EXPECT_NEAR(value, 0, whole_way ? 0.05 : 0.55);
}

INSTANTIATE_TEST_SUITE_P(All, SamplerNode,
                         testing::Values("SamplerEulerAncestral", "SamplerEulerAncestralCFGPP",
                                         "SamplerEulerCFGpp", "SamplerLMS", "SamplerDPMPP_3M_SDE",
                                         "SamplerDPMPP_2M_SDE", "SamplerDPMPP_SDE",
                                         "SamplerDPMPP_2S_Ancestral", "SamplerDPMAdaptative",
                                         "SamplerER_SDE", "SamplerSASolver", "KSamplerSelect"));

}  // namespace
}  // namespace obscura::nodes
