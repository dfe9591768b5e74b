// Nodes that change how a model's predictions are combined at each step.
#include "diffusion/guidance.h"

#include "diffusion/latent_math.h"
#include "graph/node_registry.h"
#include "nodes/latent/latent_operation.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using diffusion::weighted_sum;
using pipeline::GuidanceFunctions;
using pipeline::GuidanceStep;

NodeResult patched(const NodeCall& call, pipeline::GuidancePatch patch) {
  auto model =
      std::make_shared<pipeline::DiffusionModel>(call.get<pipeline::DiffusionModel>("model"));
  model->patches.guidance.push_back(std::move(patch));
  return NodeResult{Value::handle<pipeline::DiffusionModel>("MODEL", std::move(model))};
}

// Patches without a memory.
NodeResult with_before(const NodeCall& call, std::function<Status(GuidanceStep&)> before) {
  return patched(call,
                 [=] { return GuidanceFunctions{.before = before, .combine = {}, .after = {}}; });
}

using Combine = std::function<Result<Tensor>(const GuidanceStep&)>;
NodeResult with_combine(const NodeCall& call, Combine combine) {
  return patched(call,
                 [=] { return GuidanceFunctions{.before = {}, .combine = combine, .after = {}}; });
}

using After = std::function<Result<Tensor>(const GuidanceStep&, Tensor)>;
NodeResult with_after(const NodeCall& call, After after) {
  return patched(call,
                 [=] { return GuidanceFunctions{.before = {}, .combine = {}, .after = after}; });
}

Result<NodeResult> rescale(NodeCall& call) {
  const auto multiplier = call.get<double>("multiplier");
  return with_combine(call, [=](const GuidanceStep& step) -> Result<Tensor> {
    return diffusion::rescaled_cfg(step.x, step.sigma, step.cond, step.uncond, step.cfg,
                                   multiplier);
  });
}

Result<NodeResult> renorm(NodeCall& call) {
  const auto most = call.get<double>("renorm_cfg"), first_sigma = call.get<double>("cfg_trunc");
  return with_combine(call, [=](const GuidanceStep& step) -> Result<Tensor> {
    if (step.sigma >= first_sigma) return step.cond;
    if (most <= 0) return diffusion::cfg(step.cond, step.uncond, step.cfg);
    return diffusion::renormed_cfg(step.cond, step.uncond, step.cfg, most);
  });
}

Result<NodeResult> damp(NodeCall& call) {
  return with_before(call, [](GuidanceStep& step) -> Status {
    if (step.has_uncond)
      step.uncond = diffusion::tangentially_damped(step.x, step.cond, step.uncond);
    return {};
  });
}

Result<NodeResult> zero_star(NodeCall& call) {
  return with_after(call, [](const GuidanceStep& step, Tensor guided) -> Result<Tensor> {
    return diffusion::zero_star(step.x, step.cond, step.uncond, guided, step.cfg);
  });
}

Result<NodeResult> limit_norm(NodeCall& call) {
  const auto strength = call.get<double>("strength");
  return with_after(call, [=](const GuidanceStep& step, Tensor guided) -> Result<Tensor> {
    return diffusion::norm_limited(step.cond, guided, strength);
  });
}

Result<NodeResult> mahiro(NodeCall& call) {
  return with_after(call, [](const GuidanceStep& step, Tensor guided) -> Result<Tensor> {
    return diffusion::mahiro(step.cond, step.uncond, guided, step.cfg);
  });
}

Result<NodeResult> scale_frequencies(NodeCall& call) {
  const auto low = call.get<double>("scale_low"), high = call.get<double>("scale_high");
  const auto cutoff = call.get<std::int64_t>("freq_cutoff");
  return with_before(call, [=](GuidanceStep& step) -> Status {
    if (!step.has_uncond) return {};
    Tensor guidance = weighted_sum({{1, step.cond}, {-1, step.uncond}});
    step.cond = weighted_sum(
        {{1, diffusion::scaled_frequencies(guidance, low, high, cutoff)}, {1, step.uncond}});
    return {};
  });
}

// Momentum lasts from step to step, and begins anew where sigma rises.
class ProjectedGuidance {
 public:
  ProjectedGuidance(double eta, double threshold, double momentum)
      : eta_(eta), threshold_(threshold), momentum_(momentum) {}

  Status operator()(GuidanceStep& step) {
    if (!step.has_uncond) return {};
    if (step.sigma > last_sigma_) average_ = Tensor();
    last_sigma_ = step.sigma;
    Tensor guidance = weighted_sum({{1, step.cond}, {-1, step.uncond}});
    if (momentum_ != 0) {
      if (average_.shape() == guidance.shape())
        guidance = weighted_sum({{momentum_, average_}, {1, guidance}});
      average_ = guidance;
    }
    step.cond = diffusion::projected(step.cond, step.uncond, guidance, step.cfg, eta_, threshold_);
    return {};
  }

 private:
  double eta_, threshold_, momentum_;
  double last_sigma_ = 0;
  Tensor average_;
};

Result<NodeResult> project(NodeCall& call) {
  const ProjectedGuidance fresh(call.get<double>("eta"), call.get<double>("norm_threshold"),
                                call.get<double>("momentum"));
  return patched(call,
                 [=] { return GuidanceFunctions{.before = fresh, .combine = {}, .after = {}}; });
}

Result<NodeResult> scale_epsilon(NodeCall& call) {
  const double factor = 1 / call.get<double>("scaling_factor");
  return with_after(call, [=](const GuidanceStep& step, Tensor guided) -> Result<Tensor> {
    return weighted_sum({{1 - factor, step.x}, {factor, guided}});
  });
}

Result<NodeResult> perp_neg(NodeCall& call) {
  auto empty = call.share<pipeline::Conditioning>("empty_conditioning");
  const auto scale = call.get<double>("neg_scale");
  return with_combine(call, [=](const GuidanceStep& step) -> Result<Tensor> {
    OBSCURA_ASSIGN(auto answer,
                   step.ask({.conditioning = empty.get(), .x = nullptr, .changes = step.changes}));
    return diffusion::perpendicular_negative(step.cond, step.uncond, answer.x0, step.cfg, scale);
  });
}

Result<NodeResult> apply_operation(NodeCall& call) {
  auto operation = call.share<LatentOperation>("operation");
  return with_before(call, [=](GuidanceStep& step) -> Status {
    if (!step.has_uncond) {
      OBSCURA_ASSIGN(step.cond, operation->apply(step.cond));
      return {};
    }
    OBSCURA_ASSIGN(Tensor guidance,
                   operation->apply(weighted_sum({{1, step.cond}, {-1, step.uncond}})));
    step.cond = weighted_sum({{1, guidance}, {1, step.uncond}});
    return {};
  });
}

Result<NodeResult> differential(NodeCall& call) {
  auto model =
      std::make_shared<pipeline::DiffusionModel>(call.get<pipeline::DiffusionModel>("model"));
  model->patches.differential = call.get_or<double>("strength", 1.0);
  return NodeResult{Value::handle<pipeline::DiffusionModel>("MODEL", std::move(model))};
}

const RegisterNode kRescaleCFG{
    NodeType("RescaleCFG")
        .label("RescaleCFG")
        .category("advanced/model")
        .description("Keeps the contrast that guidance would raise, arXiv:2305.08891.")
        .input(socket("model", "MODEL"))
        .input(number("multiplier", 0.7).range(0.0, 1.0).step(0.01))
        .output("MODEL")
        .run(rescale)};

const RegisterNode kRenormCFG{NodeType("RenormCFG")
                                  .label("RenormCFG")
                                  .category("advanced/model")
                                  .description("Keeps guidance from making predictions longer.")
                                  .input(socket("model", "MODEL"))
                                  .input(number("cfg_trunc", 100).range(0.0, 100.0).step(0.01))
                                  .input(number("renorm_cfg", 1.0).range(0.0, 100.0).step(0.01))
                                  .output("MODEL")
                                  .run(renorm)};

const RegisterNode kTCFG{NodeType("TCFG")
                             .label("Tangential Damping CFG")
                             .category("advanced/guidance")
                             .description("Leads away only from what the negative prediction has "
                                          "in common with the positive, arXiv:2503.18137.")
                             .input(socket("model", "MODEL"))
                             .output("MODEL", "patched_model")
                             .run(damp)};

const RegisterNode kCFGZeroStar{
    NodeType("CFGZeroStar")
        .label("CFGZeroStar")
        .category("advanced/guidance")
        .description(
            "Fits the negative prediction to the positive before guiding, arXiv:2503.18886.")
        .input(socket("model", "MODEL"))
        .output("MODEL", "patched_model")
        .run(zero_star)};

const RegisterNode kCFGNorm{
    NodeType("CFGNorm")
        .label("CFGNorm")
        .category("advanced/guidance")
        .description("Keeps guidance from making any pixel's vector longer.")
        .input(socket("model", "MODEL"))
        .input(number("strength", 1.0).range(0.0, 100.0).step(0.01))
        .output("MODEL", "patched_model")
        .experimental()
        .run(limit_norm)};

const RegisterNode kMahiro{
    NodeType("Mahiro")
        .label("Mahiro CFG")
        .category("_for_testing")
        .description("Weakens guidance where it only repeats the negative prediction's direction.")
        .input(socket("model", "MODEL"))
        .output("MODEL", "patched_model")
        .experimental()
        .run(mahiro)};

const RegisterNode kFreSca{
    NodeType("FreSca")
        .label("FreSca")
        .category("_for_testing")
        .description("Scales low and high frequencies of the guidance apart, arXiv:2504.02154.")
        .input(socket("model", "MODEL"))
        .input(number("scale_low", 1.0).range(0, 10).step(0.01))
        .input(number("scale_high", 1.25).range(0, 10).step(0.01))
        .input(integer("freq_cutoff", 20).range(1, 10000).step(1))
        .output("MODEL")
        .experimental()
        .run(scale_frequencies)};

const RegisterNode kAPG{NodeType("APG")
                            .label("Adaptive Projected Guidance")
                            .category("sampling/custom_sampling")
                            .description("Keeps guidance from oversaturating, arXiv:2410.02416.")
                            .input(socket("model", "MODEL"))
                            .input(number("eta", 1.0).range(-10.0, 10.0).step(0.01))
                            .input(number("norm_threshold", 5.0).range(0.0, 50.0).step(0.1))
                            .input(number("momentum", 0.0).range(-5.0, 1.0).step(0.01))
                            .output("MODEL")
                            .run(project)};

const RegisterNode kEpsilonScaling{
    NodeType("Epsilon Scaling")
        .label("Epsilon Scaling")
        .category("model_patches/unet")
        .description("Weakens the predicted noise a little, against drift, arXiv:2308.15321.")
        .input(socket("model", "MODEL"))
        .input(number("scaling_factor", 1.005).range(0.5, 1.5).step(0.001))
        .output("MODEL")
        .run(scale_epsilon)};

const RegisterNode kPerpNeg{
    NodeType("PerpNeg")
        .label("Perp-Neg (DEPRECATED by PerpNegGuider)")
        .category("_for_testing")
        .description(
            "Leads away only from what the negative prompt does not share with the positive.")
        .input(socket("model", "MODEL"))
        .input(socket("empty_conditioning", "CONDITIONING"))
        .input(number("neg_scale", 1.0).range(0.0, 100.0).step(0.01))
        .output("MODEL")
        .deprecated()
        .experimental()
        .run(perp_neg)};

const RegisterNode kLatentApplyOperationCFG{
    NodeType("LatentApplyOperationCFG")
        .label("LatentApplyOperationCFG")
        .category("latent/advanced/operations")
        .description("Changes the guidance by an operation at each step.")
        .input(socket("model", "MODEL"))
        .input(socket("operation", "LATENT_OPERATION"))
        .output("MODEL")
        .experimental()
        .run(apply_operation)};

const RegisterNode kDifferentialDiffusion{
    NodeType("DifferentialDiffusion")
        .label("Differential Diffusion")
        .category("_for_testing")
        .description("Inpaints by how much, not only by where: gray parts of a mask change late, "
                     "arXiv:2306.00950.")
        .input(socket("model", "MODEL"))
        .optional(number("strength", 1.0).range(0.0, 1.0).step(0.01))
        .output("MODEL")
        .experimental()
        .run(differential)};

}  // namespace
}  // namespace obscura::nodes
