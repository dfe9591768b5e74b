// SamplerCustom and what it is put together from: KSamplerSelect, BasicScheduler, KarrasScheduler
// and SplitSigmas.
#include <algorithm>

#include "diffusion/explicit_sigmas.h"
#include "diffusion/sigmas.h"
#include "graph/node_registry.h"
#include "nodes/sampling.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> sample(NodeCall& call) {
  pipeline::SampleRequest request = request_from(call);
  const SamplerChoice& sampler = call.get<SamplerChoice>("sampler");
  request.sampler = sampler.name;
  request.sampler_options = sampler.options;
  request.sigmas = call.get<Sigmas>("sigmas").values;
  request.seed = call.get<std::uint64_t>("noise_seed");
  request.add_noise = call.get<bool>("add_noise");
  OBSCURA_ASSIGN(pipeline::Sampled sampled, sample_reporting(call, std::move(request)));
  pipeline::Latent denoised = sampled.latent;
  denoised.samples = sampled.x0;
  return NodeResult{latent_value(std::move(sampled.latent)), latent_value(std::move(denoised))};
}

Result<NodeResult> select_sampler(NodeCall& call) {
  return NodeResult{
      Value::handle("SAMPLER", SamplerChoice{call.get<std::string>("sampler_name"), {}})};
}

Result<NodeResult> basic_schedule(NodeCall& call) {
  OBSCURA_ASSIGN(std::vector<float> sigmas,
                 diffusion::make_sigmas({.scheduler = call.get<std::string>("scheduler"),
                                         .steps = call.get<int>("steps"),
                                         .denoise = call.get<double>("denoise")},
                                        call.get<pipeline::DiffusionModel>("model").schedule));
  return NodeResult{sigmas_value(std::move(sigmas))};
}

Result<NodeResult> karras_schedule(NodeCall& call) {
  const auto least = call.get<double>("sigma_min"), most = call.get<double>("sigma_max");
  const auto rho = call.get<double>("rho");
  if (!(least > 0) || least > most || !(rho > 0)) {
    return Error(ErrorKind::kInvalidInput,
                 "wanted 0 < sigma_min <= sigma_max and rho above 0, found sigma_min " +
                     std::to_string(least) + ", sigma_max " + std::to_string(most) + ", rho " +
                     std::to_string(rho));
  }
  return NodeResult{
      sigmas_value(diffusion::karras_sigmas(call.get<int>("steps"), least, most, rho))};
}

// Both halves share the sigma at the cut.
Result<NodeResult> split(NodeCall& call) {
  const std::vector<float>& sigmas = call.get<Sigmas>("sigmas").values;
  const auto size = static_cast<std::int64_t>(sigmas.size());
  const auto step = call.get<std::int64_t>("step");
  std::vector<float> high(sigmas.begin(), sigmas.begin() + std::min(step + 1, size));
  std::vector<float> low(sigmas.begin() + std::min(step, size), sigmas.end());
  return NodeResult{sigmas_value(std::move(high)), sigmas_value(std::move(low))};
}

InputSpec steps() {
  return integer("steps", 20).range(1, 10000);
}

InputSpec sigma(const char* name, double default_value, double most) {
  return number(name, default_value).range(0.0, most).step(0.01).no_rounding();
}

const RegisterNode kSample{
    NodeType("SamplerCustom")
        .label("SamplerCustom")
        .category("sampling/custom_sampling")
        .description("Samples along any noise levels, with a sampler made elsewhere.")
        .input(socket("model", "MODEL"))
        .input(toggle("add_noise", true))
        .input(integer("noise_seed", 0).range(0, kMaxSeed).control_after_generate())
        .input(cfg_input())
        .input(socket("positive", "CONDITIONING"))
        .input(socket("negative", "CONDITIONING"))
        .input(socket("sampler", "SAMPLER"))
        .input(socket("sigmas", "SIGMAS"))
        .input(socket("latent_image", "LATENT"))
        .output("LATENT", "output")
        .output("LATENT", "denoised_output", "The picture as the last step predicted it.")
        .run(sample)};

const RegisterNode kSelect{NodeType("KSamplerSelect")
                               .label("KSamplerSelect")
                               .category("sampling/custom_sampling/samplers")
                               .description("A sampler by its name.")
                               .input(sampler_name_input())
                               .output("SAMPLER")
                               .run(select_sampler)};

const RegisterNode kBasic{NodeType("BasicScheduler")
                              .label("BasicScheduler")
                              .category("sampling/custom_sampling/schedulers")
                              .description("The noise levels that KSampler would use.")
                              .input(socket("model", "MODEL"))
                              .input(scheduler_input())
                              .input(steps())
                              .input(number("denoise", 1.0).range(0.0, 1.0).step(0.01))
                              .output("SIGMAS")
                              .run(basic_schedule)};

const RegisterNode kKarras{NodeType("KarrasScheduler")
                               .label("KarrasScheduler")
                               .category("sampling/custom_sampling/schedulers")
                               .description("Noise levels of Karras et al., arXiv:2206.00364.")
                               .input(steps())
                               .input(sigma("sigma_max", 14.614642, 5000.0))
                               .input(sigma("sigma_min", 0.0291675, 5000.0))
                               .input(sigma("rho", 7.0, 100.0))
                               .output("SIGMAS")
                               .run(karras_schedule)};

const RegisterNode kSplit{NodeType("SplitSigmas")
                              .label("SplitSigmas")
                              .category("sampling/custom_sampling/sigmas")
                              .description("Cuts noise levels in two, for two samplers in turn.")
                              .input(socket("sigmas", "SIGMAS"))
                              .input(integer("step", 0).range(0, 10000))
                              .output("SIGMAS", "high_sigmas")
                              .output("SIGMAS", "low_sigmas")
                              .run(split)};

}  // namespace
}  // namespace obscura::nodes
