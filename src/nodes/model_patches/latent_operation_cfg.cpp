#include "diffusion/latent_math.h"
#include "graph/node_registry.h"
#include "nodes/latent/latent_operation.h"
#include "nodes/model_patches/guidance_patch.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::GuidanceStep;

Result<NodeResult> apply_operation(NodeCall& call) {
  auto operation = call.share<LatentOperation>("operation");
  return with_guidance(call, before_guidance([=](GuidanceStep& step) -> Status {
                         if (!step.has_uncond) {
                           OBSCURA_ASSIGN(step.cond, operation->apply(step.cond));
                           return {};
                         }
                         OBSCURA_ASSIGN(Tensor guidance, operation->apply(diffusion::weighted_sum(
                                                             {{1, step.cond}, {-1, step.uncond}})));
                         step.cond = diffusion::weighted_sum({{1, guidance}, {1, step.uncond}});
                         return {};
                       }));
}

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

}  // namespace
}  // namespace obscura::nodes
