// SamplerCustom and SamplerCustomAdvanced, and what the latter is given: guiders and noise.
#include <cmath>

#include "graph/node_registry.h"
#include "nodes/sampling/sampling.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::Conditioning;
using pipeline::GuidanceKind;

void choose(pipeline::SampleRequest& request, const SamplerChoice& sampler) {
  request.sampler = sampler.name;
  request.sampler_options = sampler.options;
}

void choose(pipeline::SampleRequest& request, const NoiseChoice& noise) {
  request.add_noise = noise.is_any;
  request.seed = noise.seed;
  request.varied_noise = noise.varied;
}

Result<NodeResult> both_latents(NodeCall& call, pipeline::SampleRequest request) {
  choose(request, call.get<SamplerChoice>("sampler"));
  request.sigmas = call.get<Sigmas>("sigmas").values;
  OBSCURA_ASSIGN(pipeline::Sampled sampled, sample_reporting(call, std::move(request)));
  pipeline::Latent denoised = sampled.latent;
  denoised.samples = sampled.x0;
  return NodeResult{latent_value(std::move(sampled.latent)), latent_value(std::move(denoised))};
}

Result<NodeResult> sample(NodeCall& call) {
  pipeline::SampleRequest request = request_from(call);
  request.seed = call.get<std::uint64_t>("noise_seed");
  request.add_noise = call.get<bool>("add_noise");
  return both_latents(call, std::move(request));
}

Result<NodeResult> sample_advanced(NodeCall& call) {
  const Guider& guider = call.get<Guider>("guider");
  pipeline::SampleRequest request;
  request.model = guider.model;
  request.guidance = guider.guidance;
  request.latent = call.get<pipeline::Latent>("latent_image");
  choose(request, call.get<NoiseChoice>("noise"));
  return both_latents(call, std::move(request));
}

NodeResult guider_with(const NodeCall& call, pipeline::Guidance guidance) {
  return NodeResult{Value::handle(
      "GUIDER", Guider{call.share<pipeline::DiffusionModel>("model"), std::move(guidance)})};
}

Result<NodeResult> cfg_guider(NodeCall& call) {
  return guider_with(call, {.positive = call.get<Conditioning>("positive"),
                            .negative = call.get<Conditioning>("negative"),
                            .third = {},
                            .cfg = call.get<double>("cfg")});
}

Result<NodeResult> basic_guider(NodeCall& call) {
  return guider_with(
      call,
      {.positive = call.get<Conditioning>("conditioning"), .negative = {}, .third = {}, .cfg = 1});
}

Result<NodeResult> dual_guider(NodeCall& call) {
  const bool nested = call.get<std::string>("style") == "nested";
  return guider_with(call, {.kind = nested ? GuidanceKind::kDualCfgNested : GuidanceKind::kDualCfg,
                            .positive = call.get<Conditioning>("cond1"),
                            .negative = call.get<Conditioning>("negative"),
                            .third = call.get<Conditioning>("cond2"),
                            .cfg = call.get<double>("cfg_conds"),
                            .second = call.get<double>("cfg_cond2_negative")});
}

Result<NodeResult> perp_neg_guider(NodeCall& call) {
  return guider_with(call, {.kind = GuidanceKind::kPerpNeg,
                            .positive = call.get<Conditioning>("positive"),
                            .negative = call.get<Conditioning>("negative"),
                            .third = call.get<Conditioning>("empty_conditioning"),
                            .cfg = call.get<double>("cfg"),
                            .second = call.get<double>("neg_scale")});
}

Result<NodeResult> random_noise(NodeCall& call) {
  return NodeResult{
      Value::handle("NOISE", NoiseChoice{.seed = call.get<std::uint64_t>("noise_seed")})};
}

Result<NodeResult> no_noise(NodeCall&) {
  return NodeResult{Value::handle("NOISE", NoiseChoice{.is_any = false})};
}

Result<NodeResult> varied_noise(NodeCall& call) {
  diffusion::VariedNoise noise{.seed = call.get<std::uint64_t>("noise_seed"),
                               .nvidia = call.get<std::string>("generator") == "nv",
                               .variation_seed = call.get<std::uint64_t>("variation_seed"),
                               .variation_strength = call.get<double>("variation_strength"),
                               .eta_seed_delta = call.get<std::int64_t>("eta_seed_delta")};
  return NodeResult{Value::handle("NOISE", NoiseChoice{.seed = noise.seed, .varied = noise})};
}

// As far as the levels lead: from the last to the first.
Result<NodeResult> sampler_custom_add_noise(NodeCall& call) {
  const std::vector<float>& sigmas = call.get<Sigmas>("sigmas").values;
  if (sigmas.empty()) return NodeResult{call.value("latent_image")};
  pipeline::SampleRequest request;
  request.model = call.share<pipeline::DiffusionModel>("model");
  request.latent = call.get<pipeline::Latent>("latent_image");
  choose(request, call.get<NoiseChoice>("noise"));
  const float level = sigmas.size() > 1 ? std::fabs(sigmas.front() - sigmas.back()) : sigmas[0];
  OBSCURA_ASSIGN(pipeline::Latent noised, pipeline::add_noise(request, level));
  return NodeResult{latent_value(std::move(noised))};
}

const RegisterNode kSamplerCustom{
    NodeType("SamplerCustom")
        .label("SamplerCustom")
        .category("sampling/custom_sampling")
        .description("Samples along any noise levels, with a sampler made elsewhere.")
        .input(socket("model", "MODEL"))
        .input(toggle("add_noise", true))
        .input(integer("noise_seed", 0).range(0, kMaxSeed).control_after_generate())
        .input(number("cfg", 8.0).range(0.0, 100.0).step(0.1).round(0.01))
        .input(socket("positive", "CONDITIONING"))
        .input(socket("negative", "CONDITIONING"))
        .input(socket("sampler", "SAMPLER"))
        .input(socket("sigmas", "SIGMAS"))
        .input(socket("latent_image", "LATENT"))
        .output("LATENT", "output")
        .output("LATENT", "denoised_output")
        .run(sample)};

const RegisterNode kSamplerCustomAdvanced{
    NodeType("SamplerCustomAdvanced")
        .label("SamplerCustomAdvanced")
        .category("sampling/custom_sampling")
        .description("Samples with noise, guider, sampler and noise levels made elsewhere.")
        .input(socket("noise", "NOISE"))
        .input(socket("guider", "GUIDER"))
        .input(socket("sampler", "SAMPLER"))
        .input(socket("sigmas", "SIGMAS"))
        .input(socket("latent_image", "LATENT"))
        .output("LATENT", "output")
        .output("LATENT", "denoised_output")
        .run(sample_advanced)};

const RegisterNode kCFGGuider{
    NodeType("CFGGuider")
        .label("CFGGuider")
        .category("sampling/custom_sampling/guiders")
        .description("Leads towards the positive and away from the negative prompt.")
        .input(socket("model", "MODEL"))
        .input(socket("positive", "CONDITIONING"))
        .input(socket("negative", "CONDITIONING"))
        .input(number("cfg", 8.0).range(0.0, 100.0).step(0.1).round(0.01))
        .output("GUIDER")
        .run(cfg_guider)};

const RegisterNode kBasicGuider{NodeType("BasicGuider")
                                    .label("BasicGuider")
                                    .category("sampling/custom_sampling/guiders")
                                    .description("Leads by one prompt alone.")
                                    .input(socket("model", "MODEL"))
                                    .input(socket("conditioning", "CONDITIONING"))
                                    .output("GUIDER")
                                    .run(basic_guider)};

const RegisterNode kDualCFGGuider{
    NodeType("DualCFGGuider")
        .label("DualCFGGuider")
        .category("sampling/custom_sampling/guiders")
        .description("Leads by two prompts against a negative, each with a strength of its own.")
        .input(socket("model", "MODEL"))
        .input(socket("cond1", "CONDITIONING"))
        .input(socket("cond2", "CONDITIONING"))
        .input(socket("negative", "CONDITIONING"))
        .input(number("cfg_conds", 8.0).range(0.0, 100.0).step(0.1).round(0.01))
        .input(number("cfg_cond2_negative", 8.0).range(0.0, 100.0).step(0.1).round(0.01))
        .input(choice("style", {"regular", "nested"}))
        .output("GUIDER")
        .run(dual_guider)};

const RegisterNode kPerpNegGuider{
    NodeType("PerpNegGuider")
        .label("PerpNegGuider")
        .category("_for_testing")
        .description("Leads away only from what the negative prompt does not share with the "
                     "positive, arXiv:2304.04968.")
        .input(socket("model", "MODEL"))
        .input(socket("positive", "CONDITIONING"))
        .input(socket("negative", "CONDITIONING"))
        .input(socket("empty_conditioning", "CONDITIONING"))
        .input(number("cfg", 8.0).range(0.0, 100.0).step(0.1).round(0.01))
        .input(number("neg_scale", 1.0).range(0.0, 100.0).step(0.01))
        .output("GUIDER")
        .experimental()
        .run(perp_neg_guider)};

const RegisterNode kRandomNoise{
    NodeType("RandomNoise")
        .label("RandomNoise")
        .category("sampling/custom_sampling/noise")
        .description("The noise of a seed.")
        .input(integer("noise_seed", 0).range(0, kMaxSeed).control_after_generate())
        .output("NOISE")
        .run(random_noise)};

const RegisterNode kDisableNoise{NodeType("DisableNoise")
                                     .label("DisableNoise")
                                     .category("sampling/custom_sampling/noise")
                                     .description("No noise: the latent has it already.")
                                     .output("NOISE")
                                     .run(no_noise)};

const RegisterNode kAddNoise{
    NodeType("AddNoise")
        .label("AddNoise")
        .category("_for_testing/custom_sampling/noise")
        .description("Adds noise to a latent, as much as the noise levels say.")
        .input(socket("model", "MODEL"))
        .input(socket("noise", "NOISE"))
        .input(socket("sigmas", "SIGMAS"))
        .input(socket("latent_image", "LATENT"))
        .output("LATENT")
        .run(sampler_custom_add_noise)};

const RegisterNode kVariedNoise{
    NodeType("VariationNoise")
        .label("Variation Noise")
        .category("sampling/custom_sampling/noise")
        .description("AUTOMATIC1111's noise: picture i of a batch has the seed + i, and a second "
                     "seed may be mixed in.")
        .input(integer("noise_seed", 0).range(0, kMaxSeed).control_after_generate())
        .input(choice("generator", {"nv", "cpu"})
                   .tooltip("\"nv\" draws as an NVIDIA GPU does, on any machine; \"cpu\" as "
                            "PyTorch on the CPU."))
        .input(integer("variation_seed", 0).range(0, kMaxSeed))
        .input(number("variation_strength", 0.0)
                   .range(0.0, 1.0)
                   .step(0.01)
                   .tooltip("0: the seed's noise; 1: the variation seed's."))
        .input(integer("eta_seed_delta", 0)
                   .range(-1000000, 1000000)
                   .tooltip("ENSD: added to the seed of the noise that ancestral samplers add. "
                            "31337 is NovelAI's."))
        .output("NOISE")
        .run(varied_noise)};

}  // namespace
}  // namespace obscura::nodes
