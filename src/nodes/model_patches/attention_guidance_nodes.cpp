// Nodes that lead away from what a model makes when its attention is hindered.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

#include "diffusion/attention_guidance.h"
#include "diffusion/guidance.h"
#include "diffusion/latent_math.h"
#include "graph/node_registry.h"
#include "models/unet/unet.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using diffusion::weighted_sum;
using pipeline::DiffusionModel;
using pipeline::GuidanceStep;
using pipeline::NetworkQuestion;

using AfterGuidance = std::function<Result<Tensor>(const GuidanceStep&, Tensor)>;

// `model` with its guidance changed by `after`.
NodeResult attention_guided(DiffusionModel model, AfterGuidance after, bool needs_uncond = false) {
  model.patches.guidance.push_back([=] {
    return pipeline::GuidanceFunctions{
        .before = {}, .combine = {}, .after = after, .needs_uncond = needs_uncond};
  });
  return NodeResult{
      Value::handle<DiffusionModel>("MODEL", std::make_shared<DiffusionModel>(std::move(model)))};
}

Result<NodeResult> perturb_attention(NodeCall& call) {
  const auto scale = call.get<double>("scale");
  auto after = [=](const GuidanceStep& step, Tensor guided) -> Result<Tensor> {
    if (scale == 0) return guided;
    NetworkQuestion question{.changes = step.changes};
    question.changes.middle_attention_is_identity = true;
    OBSCURA_ASSIGN(auto answer, step.ask(question));
    return weighted_sum({{1, guided}, {scale, step.cond}, {-scale, answer.x0}});
  };
  return attention_guided(call.get<DiffusionModel>("model"), after);
}

int heads_of(const nn::Heads& heads, std::int64_t width) {
  return heads.count > 0 ? heads.count : static_cast<int>(width / heads.size);
}

Result<NodeResult> attend_to_self(NodeCall& call) {
  const auto scale = call.get<double>("scale"), sigma = call.get<double>("blur_sigma");
  DiffusionModel model = call.get<DiffusionModel>("model");
  model.patches.unet.show_middle_attention = true;
  const nn::Heads heads = model.config.heads;
  auto after = [=](const GuidanceStep& step, Tensor guided) -> Result<Tensor> {
    constexpr std::int64_t kLeastSide = 5;  // of what can be blurred
    const Shape& s = step.x.shape();
    if (step.uncond_shown.empty() || std::min(s[2], s[3]) < kLeastSide) return guided;
    const Tensor& queries = step.uncond_shown[0];
    const Tensor degraded = diffusion::blurred_where_attended(
        step.uncond,
        diffusion::attention_received(queries, step.uncond_shown[1],
                                      heads_of(heads, queries.shape()[2])),
        sigma);
    const Tensor x = weighted_sum({{1, degraded}, {1, step.x}, {-1, step.uncond}});
    NetworkQuestion question{.conditioning = &step.negative, .x = &x, .changes = step.changes};
    question.changes.show_middle_attention = false;
    OBSCURA_ASSIGN(auto answer, step.ask(question));
    return weighted_sum({{1, guided}, {scale, degraded}, {-scale, answer.x0}});
  };
  return attention_guided(std::move(model), after, true);
}

// The names in `text`, between commas.
std::vector<std::string> listed_names(const std::string& text) {
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
  const std::vector<std::string> layers = listed_names(call.get<std::string>("layers"));
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
    Tensor result = weighted_sum({{1, guided}, {scale, step.cond}, {-scale, answer.x0}});
    return multiplier == 0 ? result : diffusion::rescaled(result, step.cond, multiplier);
  };
  return attention_guided(model, after);
}

const RegisterNode kPerturbedAttentionGuidance{
    NodeType("PerturbedAttentionGuidance")
        .label("PerturbedAttentionGuidance")
        .category("model_patches/unet")
        .description("Leads away from what the model makes when its middle attention is switched "
                     "off, arXiv:2403.17377.")
        .input(socket("model", "MODEL"))
        .input(number("scale", 3.0).range(0.0, 100.0).step(0.01).round(0.01))
        .output("MODEL")
        .run(perturb_attention)};

const RegisterNode kSelfAttentionGuidance{
    NodeType("SelfAttentionGuidance")
        .label("Self-Attention Guidance")
        .category("_for_testing")
        .description("Leads away from what the model makes when the places that it looks at are "
                     "blurred, arXiv:2210.00939.")
        .input(socket("model", "MODEL"))
        .input(number("scale", 0.5).range(-2.0, 5.0).step(0.01))
        .input(number("blur_sigma", 2.0).range(0.0, 10.0).step(0.1))
        .output("MODEL")
        .experimental()
        .run(attend_to_self)};

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
