// KSampler and KSamplerAdvanced: a latent, a model and two prompts in, a cleaner latent out.
#include "diffusion/sampler.h"
#include "diffusion/sigmas.h"
#include "graph/node_registry.h"
#include "nodes/sampling/sampling.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

// The schedule that both nodes start from.
Result<std::vector<float>> schedule(const NodeCall& call, const pipeline::SampleRequest& request,
                                    double denoise) {
  OBSCURA_ASSIGN(const diffusion::Sampler* sampler, diffusion::find_sampler(request.sampler));
  return diffusion::make_sigmas({.scheduler = call.get<std::string>("scheduler"),
                                 .steps = call.get<int>("steps"),
                                 .denoise = denoise,
                                 .discard_penultimate = sampler->discard_penultimate},
                                request.model->schedule);
}

Result<NodeResult> run_simple(NodeCall& call) {
  pipeline::SampleRequest request = request_from(call);
  request.sampler = call.get<std::string>("sampler_name");
  request.seed = call.get<std::uint64_t>("seed");
  OBSCURA_ASSIGN(request.sigmas, schedule(call, request, call.get<double>("denoise")));
  OBSCURA_ASSIGN(pipeline::Sampled sampled, sample_reporting(call, std::move(request)));
  return NodeResult{latent_value(std::move(sampled.latent))};
}

Result<NodeResult> run_advanced(NodeCall& call) {
  pipeline::SampleRequest request = request_from(call);
  request.sampler = call.get<std::string>("sampler_name");
  request.seed = call.get<std::uint64_t>("noise_seed");
  request.add_noise = call.get<std::string>("add_noise") == "enable";
  OBSCURA_ASSIGN(std::vector<float> sigmas, schedule(call, request, 1));
  const bool leave_noise = call.get<std::string>("return_with_leftover_noise") == "enable";
  request.sigmas = diffusion::cut_steps(std::move(sigmas), call.get<int>("start_at_step"),
                                        call.get<int>("end_at_step"), !leave_noise);
  OBSCURA_ASSIGN(pipeline::Sampled sampled, sample_reporting(call, std::move(request)));
  return NodeResult{latent_value(std::move(sampled.latent))};
}

InputSpec seed(const char* name) {
  return integer(name, 0)
      .range(0, kMaxSeed)
      .control_after_generate()
      .tooltip("The noise to start from: the same seed gives the same image.");
}

// The inputs of both from the seed on.
NodeType& with_sampling_inputs(NodeType& node, const char* seed_name) {
  return node.input(seed(seed_name))
      .input(integer("steps", 20).range(1, 10000).tooltip("More steps take longer."))
      .input(cfg_input())
      .input(sampler_name_input())
      .input(scheduler_input())
      .input(socket("positive", "CONDITIONING").tooltip("What the image is to show."))
      .input(socket("negative", "CONDITIONING").tooltip("What it is not to show."))
      .input(socket("latent_image", "LATENT").tooltip("The latent to start from."));
}

const RegisterNode kSimple{
    with_sampling_inputs(
        NodeType("KSampler")
            .label("KSampler")
            .category("sampling")
            .description("Turns noise, or a noised image, into an image that follows the prompt.")
            .input(socket("model", "MODEL")),
        "seed")
        .input(number("denoise", 1.0)
                   .range(0, 1)
                   .step(0.01)
                   .tooltip("How much of the latent to replace: below 1 something of it stays."))
        .output("LATENT", "", "The image as a latent.")
        .run(run_simple)};

const RegisterNode kAdvanced{
    with_sampling_inputs(
        NodeType("KSamplerAdvanced")
            .label("KSampler (Advanced)")
            .category("sampling")
            .description("Runs a part of a schedule, so that two models can share one: the first "
                         "leaves noise over, the second adds none.")
            .input(socket("model", "MODEL"))
            .input(choice("add_noise", {"enable", "disable"})),
        "noise_seed")
        .input(integer("start_at_step", 0).range(0, 10000).tooltip("The first step to run."))
        .input(integer("end_at_step", 10000).range(0, 10000).tooltip("The step to stop before."))
        .input(choice("return_with_leftover_noise", {"disable", "enable"}))
        .output("LATENT", "", "The image as a latent.")
        .run(run_advanced)};

}  // namespace
}  // namespace obscura::nodes
