#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

#include "diffusion/guidance.h"
#include "diffusion/latent_math.h"
#include "graph/node_registry.h"
#include "models/unet/unet.h"
#include "nodes/model_patches/guidance_patch.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::DiffusionModel;
using pipeline::GuidanceStep;
using pipeline::NetworkQuestion;

// The names in `text`, between commas.
std::vector<std::string> listed_layers(const std::string& text) {
  std::vector<std::string> names;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    std::erase_if(part, [](char c) { return c == ' ' || c == '\t'; });
    if (!part.empty()) names.push_back(part);
  }
  return names;
}

Result<NodeResult> skip_layers(NodeCall& call) {
  const auto& model = call.get<DiffusionModel>("model");
  const std::vector<std::string> layers = listed_layers(call.get<std::string>("layers"));
  const std::vector<std::string> known = models::unet_transformers(*model.weights);
  for (const std::string& layer : layers) {
    if (std::find(known.begin(), known.end(), layer) == known.end()) {
      return Error(ErrorKind::kInvalidInput,
                   fmt::format("input \"layers\": the model {} has no transformer {}; it has {}",
                               model.file->name(), layer, fmt::join(known, ", ")));
    }
  }
  const auto scale = call.get<double>("scale"), multiplier = call.get<double>("rescaling_scale");
  const auto start = call.get<double>("start_percent"), end = call.get<double>("end_percent");
  auto after = [=](const GuidanceStep& step, Tensor guided) -> Result<Tensor> {
    if (scale == 0 || layers.empty() || step.sigma > step.schedule.percent_to_sigma(start) ||
        step.sigma < step.schedule.percent_to_sigma(end))
      return guided;
    NetworkQuestion question{.changes = step.changes};
    question.changes.skipped = layers;
    OBSCURA_ASSIGN(auto answer, step.ask(question));
    Tensor result = diffusion::weighted_sum({{1, guided}, {scale, step.cond}, {-scale, answer.x0}});
    return multiplier == 0 ? result : diffusion::rescaled(result, step.cond, multiplier);
  };
  return with_guidance(call, after_guidance(after));
}

const RegisterNode kSkipLayerGuidance{
    NodeType("SkipLayerGuidance")
        .label("Skip Layer Guidance")
        .category("advanced/guidance")
        .description("Leads away from what the model makes without some of its transformers. What "
                     "ComfyUI's SkipLayerGuidanceDiT does for other families of models; layers are "
                     "the names of the U-Net's transformers, between commas.")
        .input(socket("model", "MODEL"))
        .input(text("layers", "middle_block.1"))
        .input(number("scale", 3.0).range(0.0, 10.0).step(0.1))
        .input(number("start_percent", 0.01).range(0.0, 1.0).step(0.001))
        .input(number("end_percent", 0.15).range(0.0, 1.0).step(0.001))
        .input(number("rescaling_scale", 0.0).range(0.0, 10.0).step(0.01))
        .output("MODEL")
        .run(skip_layers)};

}  // namespace
}  // namespace obscura::nodes
