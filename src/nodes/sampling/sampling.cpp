#include "nodes/sampling/sampling.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <optional>
#include <utility>

#include "base/log.h"
#include "diffusion/sampler.h"
#include "diffusion/sigmas.h"
#include "io/png.h"
#include "library/model_folders.h"
#include "library/taesd.h"
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

library::PreviewMethod preview_method(const graph::NodeCall& call) {
  const auto* chosen = call.find_environment<library::PreviewMethod>();
  return chosen == nullptr ? library::PreviewMethod::kAuto : *chosen;
}

bool wants_preview(const graph::NodeCall& call) {
  return call.wants_preview() && preview_method(call) != library::PreviewMethod::kNone;
}

// Null where previews are made without it.
Result<std::shared_ptr<const pipeline::Vae>> taesd_by_method(const graph::NodeCall& call,
                                                             const checkpoint::Family& family) {
  auto* folders = call.find_environment<library::ModelFolders>();
  if (folders == nullptr || preview_method(call) == library::PreviewMethod::kLatent2Rgb)
    return std::shared_ptr<const pipeline::Vae>();
  return library::taesd_for_previews(*folders, family);
}

// "EasyCache left out 2 of 8 calls of the model", and which, if the node was asked to say so.
std::string left_out_text(const pipeline::StepReuse& reuse,
                          const std::vector<diffusion::ReuseCount>& counts) {
  int asked = 0;
  std::size_t left_out = 0;
  std::string which;
  for (const diffusion::ReuseCount& count : counts) {
    asked += count.asked;
    left_out += count.left_out.size();
    // From 1, as people count steps.
    std::vector<int> numbers;
    for (int call : count.left_out) numbers.push_back(call + 1);
    which += fmt::format("{} {}", which.empty() ? ":" : ";", fmt::join(numbers, ", "));
  }
  return fmt::format("{} left out {} of {} calls of the model{}",
                     reuse.of == pipeline::StepReuse::Of::kNetwork ? "EasyCache" : "LazyCache",
                     left_out, asked, reuse.verbose && left_out > 0 ? which : "");
}

void report_reuse(const graph::NodeCall& call, const std::optional<pipeline::StepReuse>& reuse,
                  const pipeline::Sampled& sampled) {
  if (!reuse) return;
  const std::string text = left_out_text(*reuse, sampled.reuse);
  if (reuse->verbose) {
    call.warn(text);
  } else {
    log::info("{}: {}", call.node().describe(), text);
  }
}

}  // namespace

graph::InputSpec sampler_name_input() {
  return graph::choice("sampler_name",
                       [](const graph::Environment&) { return names_of(diffusion::samplers()); })
      .tooltip("How to walk from noise to the image.");
}

graph::InputSpec scheduler_input() {
  return graph::choice(
             "scheduler",
             [](const graph::Environment&) { return names_of(diffusion::sigma_schedules()); })
      .tooltip("How the sigmas are spread over the steps.");
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

void choose_noise(pipeline::SampleRequest& request, const NoiseChoice& noise) {
  request.add_noise = noise.is_any;
  request.seed = noise.seed;
  request.varied_noise = noise.varied;
}

Result<pipeline::Sampled> sample_reporting(graph::NodeCall& call, pipeline::SampleRequest request) {
  auto& session = call.environment<runtime::Session>();
  std::optional<pipeline::Previewer> previewer;
  auto last_preview = std::chrono::steady_clock::time_point();
  request.cancel = call.cancel_token();
  request.on_step = [&](const pipeline::SampleStep& step) -> Status {
    call.progress(step.step + 1, step.steps);
    // Quick steps need no image each.
    auto now = std::chrono::steady_clock::now();
    if (wants_preview(call) && now - last_preview > std::chrono::milliseconds(100)) {
      last_preview = now;
      if (!previewer) {
        OBSCURA_ASSIGN(auto taesd, taesd_by_method(call, *request.model->family));
        previewer.emplace(session, request.model, std::move(taesd));
      }
      OBSCURA_ASSIGN(auto image, previewer->preview(*step.x0, request.cancel));
      if (image) {
        const Shape& s = image->shape();
        OBSCURA_ASSIGN(auto png,
                       io::encode_png(image->reshaped({s[1], s[2], s[3]}), {}, {.compression = 1}));
        call.preview(png, "image/png");
      }
    }
    return call.check_cancelled();
  };
  if (request.sigmas.size() > 1) {
    call.progress(0, static_cast<std::int64_t>(request.sigmas.size()) - 1);
  }
  OBSCURA_ASSIGN(pipeline::Sampled sampled, pipeline::sample(session, request));
  report_reuse(call, request.model->patches.reuse, sampled);
  return sampled;
}

}  // namespace obscura::nodes
