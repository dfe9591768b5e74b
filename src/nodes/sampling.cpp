#include "nodes/sampling.h"

#include <chrono>
#include <optional>
#include <utility>

#include "diffusion/sampler.h"
#include "diffusion/sigmas.h"
#include "io/png.h"
#include "nodes/model_folders.h"
#include "nodes/taesd.h"
#include "pipeline/preview.h"
#include "runtime/session.h"

namespace obscura::nodes {
namespace {

template <class Named>
std::vector<std::string> names_of(std::span<const Named> entries) {
  std::vector<std::string> names;
  for (const Named& entry : entries) names.emplace_back(entry.name);
  return names;
}

PreviewMethod preview_method(const graph::NodeCall& call) {
  const auto* chosen = call.find_environment<PreviewMethod>();
  return chosen == nullptr ? PreviewMethod::kAuto : *chosen;
}

bool wants_preview(const graph::NodeCall& call) {
  return call.wants_preview() && preview_method(call) != PreviewMethod::kNone;
}

// Null where previews are made without it.
Result<std::shared_ptr<const pipeline::Vae>> taesd_by_method(const graph::NodeCall& call,
                                                             checkpoint::Architecture family) {
  auto* folders = call.find_environment<ModelFolders>();
  if (folders == nullptr || preview_method(call) == PreviewMethod::kLatent2Rgb)
    return std::shared_ptr<const pipeline::Vae>();
  return taesd_for_previews(*folders, family);
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
  request.guidance.positive = call.get<pipeline::Conditioning>("positive");
  request.guidance.negative = call.get<pipeline::Conditioning>("negative");
  request.guidance.cfg = call.get<double>("cfg");
  request.latent = call.get<pipeline::Latent>("latent_image");
  return request;
}

Result<pipeline::Sampled> sample_reporting(graph::NodeCall& call, pipeline::SampleRequest request) {
  auto& session = call.environment<runtime::Session>();
  std::optional<pipeline::Previewer> previewer;
  auto last_preview = std::chrono::steady_clock::time_point();
  request.cancel = call.cancel_token();
  request.on_step = [&](const pipeline::SampleStep& step) -> Status {
    call.progress(step.step + 1, step.steps);
    // Quick steps need no picture each.
    auto now = std::chrono::steady_clock::now();
    if (wants_preview(call) && now - last_preview > std::chrono::milliseconds(100)) {
      last_preview = now;
      if (!previewer) {
        OBSCURA_ASSIGN(auto taesd, taesd_by_method(call, request.model->architecture));
        previewer.emplace(session, request.model, std::move(taesd));
      }
      OBSCURA_ASSIGN(auto picture, previewer->preview(*step.x0, request.cancel));
      if (picture) {
        const Shape& s = picture->shape();
        OBSCURA_ASSIGN(auto png, io::encode_png(picture->reshaped({s[1], s[2], s[3]}), {},
                                                {.compression = 1}));
        call.preview(png, "image/png");
      }
    }
    return call.check_cancelled();
  };
  if (request.sigmas.size() > 1) {
    call.progress(0, static_cast<std::int64_t>(request.sigmas.size()) - 1);
  }
  return pipeline::sample(session, request);
}

}  // namespace obscura::nodes
