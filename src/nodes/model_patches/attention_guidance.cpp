// Nodes that lead away from what a model makes when its attention is hindered.
#include <algorithm>

#include "diffusion/attention_guidance.h"
#include "diffusion/latent_math.h"
#include "graph/node_registry.h"
#include "nodes/model_patches/guidance_patch.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::DiffusionModel;
using pipeline::GuidanceStep;
using pipeline::NetworkQuestion;

Result<NodeResult> perturb_attention(NodeCall& call) {
  const auto scale = call.get<double>("scale");
  auto after = [=](const GuidanceStep& step, Tensor guided) -> Result<Tensor> {
    if (scale == 0) return guided;
    NetworkQuestion question{.changes = step.changes};
    question.changes.middle_attention_is_identity = true;
    OBSCURA_ASSIGN(auto answer, step.ask(question));
    return diffusion::weighted_sum({{1, guided}, {scale, step.cond}, {-scale, answer.x0}});
  };
  return with_guidance(call, after_guidance(after));
}

int heads_of(const nn::Heads& heads, std::int64_t width) {
  return heads.count > 0 ? heads.count : static_cast<int>(width / heads.size);
}

Result<NodeResult> attend_to_self(NodeCall& call) {
  const auto scale = call.get<double>("scale"), sigma = call.get<double>("blur_sigma");
  const nn::Heads heads = call.get<DiffusionModel>("model").config.heads;
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
    const Tensor x = diffusion::weighted_sum({{1, degraded}, {1, step.x}, {-1, step.uncond}});
    NetworkQuestion question{.conditioning = &step.negative, .x = &x, .changes = step.changes};
    question.changes.show_middle_attention = false;
    OBSCURA_ASSIGN(auto answer, step.ask(question));
    return diffusion::weighted_sum({{1, guided}, {scale, degraded}, {-scale, answer.x0}});
  };
  return changed_model(call, [&](DiffusionModel& model) {
    model.patches.unet.show_middle_attention = true;
    model.patches.guidance.push_back(after_guidance(after, true));
  });
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

}  // namespace
}  // namespace obscura::nodes
