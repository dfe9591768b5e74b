#include "diffusion/latent_math.h"
#include "graph/node_registry.h"
#include "nodes/model_patches/guidance_patch.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::GuidanceStep;

Result<NodeResult> scale_epsilon(NodeCall& call) {
  const double factor = 1 / call.get<double>("scaling_factor");
  return with_guidance(
      call, after_guidance([=](const GuidanceStep& step, Tensor guided) -> Result<Tensor> {
        return diffusion::weighted_sum({{1 - factor, step.x}, {factor, guided}});
      }));
}

const RegisterNode kEpsilonScaling{
    NodeType("Epsilon Scaling")
        .label("Epsilon Scaling")
        .category("model_patches/unet")
        .description("Weakens the predicted noise a little, against drift, arXiv:2308.15321.")
        .input(socket("model", "MODEL"))
        .input(number("scaling_factor", 1.005).range(0.5, 1.5).step(0.001))
        .output("MODEL")
        .run(scale_epsilon)};

}  // namespace
}  // namespace obscura::nodes
