// EasyCache and LazyCache: steps that cost nothing, where their result can be predicted.
#include "graph/node_registry.h"
#include "nodes/changed.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::StepReuse;

template <StepReuse::Of of>
Result<NodeResult> reuse_steps(NodeCall& call) {
  return changed_model(call, [&](pipeline::DiffusionModel& model) {
    model.patches.reuse = StepReuse{.of = of,
                                    .threshold = call.get<double>("reuse_threshold"),
                                    .start_percent = call.get<double>("start_percent"),
                                    .end_percent = call.get<double>("end_percent"),
                                    .verbose = call.get<bool>("verbose")};
  });
}

NodeType reuse_node(const char* name, const char* description) {
  return std::move(
      NodeType(name)
          .label(name)
          .category("advanced/debug/model")
          .description(description)
          .experimental()
          .input(socket("model", "MODEL"))
          .input(number("reuse_threshold", 0.2)
                     .range(0.0, 3.0)
                     .step(0.01)
                     .tooltip("By how much of its size the result may have changed since it was "
                              "last computed. 0 computes every step."))
          .input(number("start_percent", 0.15).range(0.0, 1.0).step(0.01))
          .input(number("end_percent", 0.95).range(0.0, 1.0).step(0.01))
          .input(toggle("verbose", false).tooltip("Says which steps were left out."))
          .output("MODEL"));
}

const RegisterNode kEasyCache{
    reuse_node("EasyCache",
               "Leaves out calls of the U-Net whose result can be predicted from those before, "
               "arXiv:2507.02860. The image changes a little.")
        .run(reuse_steps<StepReuse::Of::kNetwork>)};

const RegisterNode kLazyCache{
    reuse_node("LazyCache",
               "EasyCache for whole steps, guidance included: simpler, works with every model, and "
               "changes the image more.")
        .run(reuse_steps<StepReuse::Of::kDenoiser>)};

}  // namespace
}  // namespace obscura::nodes
