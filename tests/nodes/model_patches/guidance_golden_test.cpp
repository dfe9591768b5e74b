// What guidance nodes make of the pocket model at one step, against the papers' formulas written
// down in PyTorch with a U-Net of its own (tests/golden/guidance.safetensors, float32): latent
// x_10's first 16x24 pixels, timestep 500, the golden prompts, cfg 5.
#include <gtest/gtest.h>

#include <cmath>

#include "checkpoint/pocket.h"
#include "models/golden.h"
#include "nodes/node_harness.h"
#include "pipeline/denoiser.h"

namespace obscura::nodes {
namespace {

using pipeline::Condition;
using pipeline::Conditioning;
using pipeline::DiffusionModel;
using pipeline::Guidance;
using pipeline::GuidanceKind;

Tensor guided_in_torch(const std::string& name) {
  static const io::SafetensorsFile kFile =
      io::SafetensorsFile::open(golden::path("guidance.safetensors")).value();
  return golden::tensor(kFile, name);
}

Tensor latent_of_the_step() {
  const Tensor whole = models::reference("x_10");
  Tensor part(Shape{1, 4, 16, 24});
  float* to = part.data();
  for (std::int64_t row = 0; row < 4 * 16; ++row, to += 24)
    std::copy_n(whole.data() + (row / 16 * 32 + row % 16) * 32, 24, to);
  return part;
}

Tensor half_of_both(const Tensor& a, const Tensor& b) {
  Tensor mean(a.shape());
  for (std::int64_t i = 0; i < a.elements(); ++i) mean.data()[i] = (a.data()[i] + b.data()[i]) / 2;
  return mean;
}

Conditioning conditioning_of(Tensor states, Tensor pooled) {
  Condition condition;
  condition.states = std::move(states);
  condition.pooled = std::move(pooled);
  condition.size = pipeline::SizeConditioning{256, 256, 0, 0, 256, 256};
  return {{condition}};
}

class GuidanceGolden : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto file = pipeline::ModelFile::embedded(checkpoint::pocket_model(), "pocket", "0").value();
    model = pipeline::load_model(file).value();
    session = std::make_unique<runtime::Session>(backend::create_device("cpu").value());
  }
  static void TearDownTestSuite() {
    session.reset();
    model.reset();
  }

  static std::shared_ptr<const DiffusionModel> patched(const std::string& node,
                                                       GivenInputs inputs = {}) {
    inputs.emplace_back("model", Value::handle<DiffusionModel>("MODEL", model));
    return only_output(node, std::move(inputs)).share<DiffusionModel>();
  }

  static Guidance guidance(GuidanceKind kind = GuidanceKind::kCfg, double second = 1) {
    using models::reference;
    Guidance result{
        .kind = kind,
        .positive = conditioning_of(reference("in.context"), reference("in.pooled")),
        .negative = conditioning_of(reference("in.uncond.context"), reference("in.uncond.pooled")),
        .third = {},
        .cfg = 5,
        .second = second};
    if (kind != GuidanceKind::kCfg) result.third = third();
    return result;
  }
  // Between the positive and the negative.
  static Conditioning third() {
    using models::reference;
    return conditioning_of(half_of_both(reference("in.context"), reference("in.uncond.context")),
                           half_of_both(reference("in.pooled"), reference("in.uncond.pooled")));
  }
  static float sigma(double timestep) {
    return static_cast<float>(model->schedule.sigma(timestep));
  }

  // The prediction at the step.
  static Tensor denoised(const std::shared_ptr<const DiffusionModel>& by,
                         const Guidance& guidance) {
    pipeline::GuidedDenoiser denoiser(*session, by, guidance, false, {});
    auto result = denoiser(latent_of_the_step(), sigma(500));
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message());
    return result.ok() ? result->x0 : Tensor();
  }
  static double error_of(const std::string& name, const Tensor& found) {
    return models::relative_error(found, guided_in_torch(name));
  }
  static double error_of(const std::string& name, const std::string& node,
                         GivenInputs inputs = {}) {
    return error_of(name, denoised(patched(node, std::move(inputs)), guidance()));
  }

  static inline std::shared_ptr<const DiffusionModel> model;
  static inline std::unique_ptr<runtime::Session> session;
};

constexpr double kTolerance = 1e-4;

Value given(double value) {
  return Value::number(value);
}

// Of PatchModelAddDownscale, throughout the sampling unless said otherwise.
GivenInputs shrinking(GivenInputs inputs = {}) {
  inputs.insert(inputs.end(), {{"end_percent", given(1)},
                               {"downscale_method", Value::string("bicubic")},
                               {"upscale_method", Value::string("bicubic")}});
  return inputs;
}

TEST_F(GuidanceGolden, Plain) {
  EXPECT_LT(error_of("cfg", denoised(model, guidance())), kTolerance);
}

TEST_F(GuidanceGolden, OfOnePrediction) {
  EXPECT_LT(error_of("rescale", "RescaleCFG", {{"multiplier", given(0.7)}}), kTolerance);
  EXPECT_LT(error_of("renorm", "RenormCFG"), kTolerance);
  EXPECT_LT(error_of("tcfg", "TCFG"), kTolerance);
  EXPECT_LT(error_of("zero_star", "CFGZeroStar"), kTolerance);
  EXPECT_LT(error_of("cfg_norm", "CFGNorm"), kTolerance);
  EXPECT_LT(error_of("mahiro", "Mahiro"), kTolerance);
  EXPECT_LT(error_of("epsilon_scaling", "Epsilon Scaling", {{"scaling_factor", given(1.1)}}),
            kTolerance);
  EXPECT_LT(error_of("fresca", "FreSca",
                     {{"scale_low", given(0.8)},
                      {"scale_high", given(1.25)},
                      {"freq_cutoff", Value::integer(3)}}),
            kTolerance);
}

TEST_F(GuidanceGolden, WithMomentumOverTwoSteps) {
  auto projected = patched(
      "APG", {{"eta", given(0.5)}, {"norm_threshold", given(4)}, {"momentum", given(-0.3)}});
  pipeline::GuidedDenoiser denoiser(*session, projected, guidance(), false, {});
  EXPECT_LT(error_of("apg_1", denoiser(latent_of_the_step(), sigma(500)).value().x0), kTolerance);
  EXPECT_LT(error_of("apg_2", denoiser(latent_of_the_step(), sigma(300)).value().x0), kTolerance);
}

TEST_F(GuidanceGolden, OfThreeConditions) {
  EXPECT_LT(error_of("dual", denoised(model, guidance(GuidanceKind::kDualCfg, 2))), kTolerance);
  EXPECT_LT(error_of("dual_nested", denoised(model, guidance(GuidanceKind::kDualCfgNested, 2))),
            kTolerance);
  EXPECT_LT(error_of("perp_neg", denoised(model, guidance(GuidanceKind::kPerpNeg, 0.7))),
            kTolerance);
  EXPECT_LT(
      error_of("perp_neg", "PerpNeg",
               {{"neg_scale", given(0.7)}, {"empty_conditioning", conditioning_value(third())}}),
      kTolerance);
}

TEST_F(GuidanceGolden, ByAStepOfCfgPlusPlus) {
  auto sampler = diffusion::find_sampler("euler_cfg_pp").value();
  pipeline::GuidedDenoiser denoiser(*session, model, guidance(), sampler->needs_uncond, {});
  diffusion::SamplerRun run{.denoise = [&](const Tensor& x, float at) { return denoiser(x, at); },
                            .model = model->schedule,
                            .sigmas = {sigma(500), sigma(300)},
                            .on_step = {},
                            .cancel = {},
                            .options = {}};
  EXPECT_LT(error_of("cfg_pp", diffusion::sample(*sampler, run, latent_of_the_step()).value()),
            kTolerance);
}

TEST_F(GuidanceGolden, ByHinderedAttention) {
  EXPECT_LT(error_of("pag", "PerturbedAttentionGuidance"), kTolerance);
  EXPECT_LT(error_of("sag", "SelfAttentionGuidance"), kTolerance);
  EXPECT_LT(error_of("skip", "SkipLayerGuidance",
                     {{"layers", Value::string("middle_block.1, output_blocks.1.1")},
                      {"start_percent", given(0)},
                      {"end_percent", given(1)},
                      {"rescaling_scale", given(0.6)}}),
            kTolerance);
}

TEST_F(GuidanceGolden, OfAUNetBuiltOtherwise) {
  EXPECT_LT(error_of("free_u", "FreeU"), kTolerance);
  EXPECT_LT(error_of("free_u_v2", "FreeU_V2"), kTolerance);
  EXPECT_LT(error_of("hyper_tile", "HyperTile",
                     {{"tile_size", Value::integer(32)},
                      {"swap_size", Value::integer(1)},
                      {"max_depth", Value::integer(1)}}),
            kTolerance);
  EXPECT_LT(error_of("deep_shrink", "PatchModelAddDownscale", shrinking()), kTolerance);
  EXPECT_LT(error_of("deep_shrink_before", "PatchModelAddDownscale",
                     shrinking({{"block_number", Value::integer(4)},
                                {"downscale_after_skip", Value::boolean(false)}})),
            kTolerance);
}

TEST_F(GuidanceGolden, SkippedLayersAreTheModelsOwn) {
  auto wrong =
      call_node("SkipLayerGuidance", {{"model", Value::handle<DiffusionModel>("MODEL", model)},
                                      {"layers", Value::string("middle_block.7")}});
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().message(),
            "input \"layers\": the model pocket has no transformer middle_block.7; it has "
            "input_blocks.4.1, input_blocks.5.1, input_blocks.7.1, input_blocks.8.1, "
            "middle_block.1, output_blocks.0.1, output_blocks.1.1, output_blocks.2.1, "
            "output_blocks.3.1, output_blocks.4.1, output_blocks.5.1");
}

// Outside its part of the sampling a patch changes nothing, bit for bit; two patches on one model
// both count.
TEST_F(GuidanceGolden, PatchesCountInTheirTimeAndTogether) {
  const Tensor plain = denoised(model, guidance());
  GivenInputs early = shrinking();
  early.emplace_back("end_percent", given(0.1));
  const Tensor outside = denoised(patched("PatchModelAddDownscale", early), guidance());
  EXPECT_EQ(values_of(outside), values_of(plain));
  EXPECT_EQ(values_of(denoised(patched("SkipLayerGuidance"), guidance())), values_of(plain));

  GivenInputs inputs = shrinking({{"model", Value::handle<DiffusionModel>("MODEL", model)}});
  auto shrunk = only_output("PatchModelAddDownscale", inputs);
  auto both = only_output("FreeU", {{"model", shrunk}}).share<DiffusionModel>();
  const Tensor found = denoised(both, guidance());
  EXPECT_GT(error_of("deep_shrink", found), 0.01);
  EXPECT_GT(error_of("free_u", found), 0.01);
}

}  // namespace
}  // namespace obscura::nodes
