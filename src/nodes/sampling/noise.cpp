// The noise of SamplerCustomAdvanced, and AddNoise.
#include <cmath>

#include "graph/node_registry.h"
#include "nodes/sampling/sampling.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

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
Result<NodeResult> add_noise_to_latent(NodeCall& call) {
  const std::vector<float>& sigmas = call.get<Sigmas>("sigmas").values;
  if (sigmas.empty()) return NodeResult{call.value("latent_image")};
  pipeline::SampleRequest request;
  request.model = call.share<pipeline::DiffusionModel>("model");
  request.latent = call.get<pipeline::Latent>("latent_image");
  choose_noise(request, call.get<NoiseChoice>("noise"));
  const float level = sigmas.size() > 1 ? std::fabs(sigmas.front() - sigmas.back()) : sigmas[0];
  OBSCURA_ASSIGN(pipeline::Latent noised, pipeline::add_noise(request, level));
  return NodeResult{latent_value(std::move(noised))};
}

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

const RegisterNode kAddNoise{NodeType("AddNoise")
                                 .label("AddNoise")
                                 .category("_for_testing/custom_sampling/noise")
                                 .description("Adds noise to a latent, as much as the sigmas say.")
                                 .input(socket("model", "MODEL"))
                                 .input(socket("noise", "NOISE"))
                                 .input(socket("sigmas", "SIGMAS"))
                                 .input(socket("latent_image", "LATENT"))
                                 .output("LATENT")
                                 .run(add_noise_to_latent)};

const RegisterNode kVariationNoise{
    NodeType("VariationNoise")
        .label("Variation Noise")
        .category("sampling/custom_sampling/noise")
        .description("AUTOMATIC1111's noise: image i of a batch has the seed + i, and a second "
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
