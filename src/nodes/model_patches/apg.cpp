#include "diffusion/guidance.h"
#include "diffusion/latent_math.h"
#include "graph/node_registry.h"
#include "nodes/model_patches/guidance_patch.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::GuidanceStep;

// Momentum lasts from step to step, and begins anew where sigma rises.
class ProjectedGuidance {
 public:
  ProjectedGuidance(double eta, double threshold, double momentum)
      : eta_(eta), threshold_(threshold), momentum_(momentum) {}

  Status operator()(GuidanceStep& step) {
    if (!step.has_uncond) return {};
    if (step.sigma > last_sigma_) average_ = Tensor();
    last_sigma_ = step.sigma;
    Tensor guidance = diffusion::weighted_sum({{1, step.cond}, {-1, step.uncond}});
    if (momentum_ != 0) {
      if (average_.shape() == guidance.shape())
        guidance = diffusion::weighted_sum({{momentum_, average_}, {1, guidance}});
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

Result<NodeResult> project_guidance(NodeCall& call) {
  const ProjectedGuidance fresh(call.get<double>("eta"), call.get<double>("norm_threshold"),
                                call.get<double>("momentum"));
  // Each run begins with a copy that remembers nothing.
  return with_guidance(call, [=] {
    return pipeline::GuidanceFunctions{.before = fresh, .combine = {}, .after = {}};
  });
}

const RegisterNode kAPG{NodeType("APG")
                            .label("Adaptive Projected Guidance")
                            .category("sampling/custom_sampling")
                            .description("Keeps guidance from oversaturating, arXiv:2410.02416.")
                            .input(socket("model", "MODEL"))
                            .input(number("eta", 1.0).range(-10.0, 10.0).step(0.01))
                            .input(number("norm_threshold", 5.0).range(0.0, 50.0).step(0.1))
                            .input(number("momentum", 0.0).range(-5.0, 1.0).step(0.01))
                            .output("MODEL")
                            .run(project_guidance)};

}  // namespace
}  // namespace obscura::nodes
