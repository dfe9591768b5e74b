// SamplerCustom and SamplerCustomAdvanced.
#include "graph/node_registry.h"
#include "nodes/sampling/sampling.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

void choose_sampler(pipeline::SampleRequest& request, const SamplerChoice& sampler) {
  request.sampler = sampler.name;
  request.sampler_options = sampler.options;
}

Result<NodeResult> both_latents(NodeCall& call, pipeline::SampleRequest request) {
  choose_sampler(request, call.get<SamplerChoice>("sampler"));
  request.sigmas = call.get<Sigmas>("sigmas").values;
  OBSCURA_ASSIGN(pipeline::Sampled sampled, sample_reporting(call, std::move(request)));
  pipeline::Latent denoised = sampled.latent;
  denoised.samples = sampled.x0;
  return NodeResult{latent_value(std::move(sampled.latent)), latent_value(std::move(denoised))};
}

Result<NodeResult> sample_custom(NodeCall& call) {
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
  choose_noise(request, call.get<NoiseChoice>("noise"));
  return both_latents(call, std::move(request));
}

const RegisterNode kSamplerCustom{
    NodeType("SamplerCustom")
        .label("SamplerCustom")
        .category("sampling/custom_sampling")
        .description("Samples along any sigmas, with a sampler made elsewhere.")
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
        .run(sample_custom)};

const RegisterNode kSamplerCustomAdvanced{
    NodeType("SamplerCustomAdvanced")
        .label("SamplerCustomAdvanced")
        .category("sampling/custom_sampling")
        .description("Samples with noise, guider, sampler and sigmas made elsewhere.")
        .input(socket("noise", "NOISE"))
        .input(socket("guider", "GUIDER"))
        .input(socket("sampler", "SAMPLER"))
        .input(socket("sigmas", "SIGMAS"))
        .input(socket("latent_image", "LATENT"))
        .output("LATENT", "output")
        .output("LATENT", "denoised_output")
        .run(sample_advanced)};

}  // namespace
}  // namespace obscura::nodes
