#include "diffusion/guidance.h"
#include "graph/node_registry.h"
#include "nodes/model_patches/guidance_patch.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::GuidanceStep;

Result<NodeResult> perpendicular_negative(NodeCall& call) {
  auto empty = call.share<pipeline::Conditioning>("empty_conditioning");
  const auto scale = call.get<double>("neg_scale");
  return with_guidance(
      call, in_place_of_guidance([=](const GuidanceStep& step) -> Result<Tensor> {
        OBSCURA_ASSIGN(
            auto answer,
            step.ask({.conditioning = empty.get(), .x = nullptr, .changes = step.changes}));
        return diffusion::perpendicular_negative(step.cond, step.uncond, answer.x0, step.cfg,
                                                 scale);
      }));
}

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
        .run(perpendicular_negative)};

}  // namespace
}  // namespace obscura::nodes
