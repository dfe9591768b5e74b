#include "nodes/sampling.h"

#include <utility>

#include "diffusion/sampler.h"
#include "diffusion/sigmas.h"
#include "runtime/session.h"

namespace obscura::nodes {
namespace {

template <class Named>
std::vector<std::string> names_of(std::span<const Named> entries) {
  std::vector<std::string> names;
  for (const Named& entry : entries) names.emplace_back(entry.name);
  return names;
}

}  // namespace

graph::InputSpec sampler_name_input() {
  return graph::choice("sampler_name",
                       [](const graph::Environment&) { return names_of(diffusion::samplers()); })
      .tooltip("How to walk from noise to the picture.");
}

graph::InputSpec scheduler_input() {
  return graph::choice(
             "scheduler",
             [](const graph::Environment&) { return names_of(diffusion::sigma_schedules()); })
      .tooltip("How the noise levels are spread over the steps.");
}

graph::InputSpec cfg_input() {
  return graph::number("cfg", 8.0)
      .range(0, 100)
      .step(0.1)
      .round(0.01)
      .tooltip(
          "How strongly the prompt leads. 1 ignores the negative prompt and takes half the time.");
}

pipeline::SampleRequest request_from(const graph::NodeCall& call) {
  pipeline::SampleRequest request;
  request.model = call.share<pipeline::DiffusionModel>("model");
  request.positive = call.get<pipeline::Conditioning>("positive");
  request.negative = call.get<pipeline::Conditioning>("negative");
  request.cfg = call.get<double>("cfg");
  request.latent = call.get<pipeline::Latent>("latent_image");
  return request;
}

Result<pipeline::Sampled> sample_reporting(graph::NodeCall& call, pipeline::SampleRequest request) {
  request.cancel = call.cancel_token();
  request.on_step = [&call](const pipeline::SampleStep& step) -> Status {
    call.progress(step.step + 1, step.steps);
    return call.check_cancelled();
  };
  if (request.sigmas.size() > 1) {
    call.progress(0, static_cast<std::int64_t>(request.sigmas.size()) - 1);
  }
  return pipeline::sample(call.environment<runtime::Session>(), request);
}

}  // namespace obscura::nodes
