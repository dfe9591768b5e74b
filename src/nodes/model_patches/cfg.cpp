// Nodes that keep guidance in bounds.
#include "diffusion/guidance.h"
#include "graph/node_registry.h"
#include "nodes/model_patches/guidance_patch.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::GuidanceStep;

Result<NodeResult> rescale_cfg(NodeCall& call) {
  const auto multiplier = call.get<double>("multiplier");
  return with_guidance(call, in_place_of_guidance([=](const GuidanceStep& step) -> Result<Tensor> {
                         return diffusion::rescaled_cfg(step.x, step.sigma, step.cond, step.uncond,
                                                        step.cfg, multiplier);
                       }));
}

Result<NodeResult> renorm_cfg(NodeCall& call) {
  const auto most = call.get<double>("renorm_cfg"), first_sigma = call.get<double>("cfg_trunc");
  return with_guidance(call, in_place_of_guidance([=](const GuidanceStep& step) -> Result<Tensor> {
                         if (step.sigma >= first_sigma) return step.cond;
                         if (most <= 0) return diffusion::cfg(step.cond, step.uncond, step.cfg);
                         return diffusion::renormed_cfg(step.cond, step.uncond, step.cfg, most);
                       }));
}

Result<NodeResult> damp_cfg(NodeCall& call) {
  return with_guidance(call, before_guidance([](GuidanceStep& step) -> Status {
                         if (step.has_uncond)
                           step.uncond =
                               diffusion::tangentially_damped(step.x, step.cond, step.uncond);
                         return {};
                       }));
}

Result<NodeResult> zero_star(NodeCall& call) {
  return with_guidance(
      call, after_guidance([](const GuidanceStep& step, Tensor guided) -> Result<Tensor> {
        return diffusion::zero_star(step.x, step.cond, step.uncond, guided, step.cfg);
      }));
}

Result<NodeResult> limit_norm(NodeCall& call) {
  const auto strength = call.get<double>("strength");
  return with_guidance(
      call, after_guidance([=](const GuidanceStep& step, Tensor guided) -> Result<Tensor> {
        return diffusion::norm_limited(step.cond, guided, strength);
      }));
}

Result<NodeResult> mahiro(NodeCall& call) {
  return with_guidance(
      call, after_guidance([](const GuidanceStep& step, Tensor guided) -> Result<Tensor> {
        return diffusion::mahiro(step.cond, step.uncond, guided, step.cfg);
      }));
}

const RegisterNode kRescaleCFG{
    NodeType("RescaleCFG")
        .label("RescaleCFG")
        .category("advanced/model")
        .description("Keeps the contrast that guidance would raise, arXiv:2305.08891.")
        .input(socket("model", "MODEL"))
        .input(number("multiplier", 0.7).range(0.0, 1.0).step(0.01))
        .output("MODEL")
        .run(rescale_cfg)};

const RegisterNode kRenormCFG{NodeType("RenormCFG")
                                  .label("RenormCFG")
                                  .category("advanced/model")
                                  .description("Keeps guidance from making predictions longer.")
                                  .input(socket("model", "MODEL"))
                                  .input(number("cfg_trunc", 100).range(0.0, 100.0).step(0.01))
                                  .input(number("renorm_cfg", 1.0).range(0.0, 100.0).step(0.01))
                                  .output("MODEL")
                                  .run(renorm_cfg)};

const RegisterNode kTCFG{NodeType("TCFG")
                             .label("Tangential Damping CFG")
                             .category("advanced/guidance")
                             .description("Leads away only from what the negative prediction has "
                                          "in common with the positive, arXiv:2503.18137.")
                             .input(socket("model", "MODEL"))
                             .output("MODEL", "patched_model")
                             .run(damp_cfg)};

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

}  // namespace
}  // namespace obscura::nodes
