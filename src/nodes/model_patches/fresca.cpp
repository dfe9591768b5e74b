#include "diffusion/guidance.h"
#include "diffusion/latent_math.h"
#include "graph/node_registry.h"
#include "nodes/model_patches/guidance_patch.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::GuidanceStep;

Result<NodeResult> scale_frequencies(NodeCall& call) {
  const auto low = call.get<double>("scale_low"), high = call.get<double>("scale_high");
  const auto cutoff = call.get<std::int64_t>("freq_cutoff");
  return with_guidance(
      call, before_guidance([=](GuidanceStep& step) -> Status {
        if (!step.has_uncond) return {};
        Tensor guidance = diffusion::weighted_sum({{1, step.cond}, {-1, step.uncond}});
        step.cond = diffusion::weighted_sum(
            {{1, diffusion::scaled_frequencies(guidance, low, high, cutoff)}, {1, step.uncond}});
        return {};
      }));
}

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

}  // namespace
}  // namespace obscura::nodes
