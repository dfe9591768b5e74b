// EasyCache and LazyCache: steps that cost nothing, where their result can be foretold.
#include "graph/node_registry.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::DiffusionModel;
using pipeline::StepReuse;

Result<NodeResult> reuse_steps(const NodeCall& call, StepReuse::Of of) {
  auto model = std::make_shared<DiffusionModel>(call.get<DiffusionModel>("model"));
  model->patches.reuse = StepReuse{.of = of,
                                   .threshold = call.get<double>("reuse_threshold"),
                                   .start_percent = call.get<double>("start_percent"),
                                   .end_percent = call.get<double>("end_percent"),
                                   .verbose = call.get<bool>("verbose")};
  return NodeResult{Value::handle<DiffusionModel>("MODEL", std::move(model))};
}

Result<NodeResult> easy_cache(NodeCall& call) {
  return reuse_steps(call, StepReuse::Of::kNetwork);
}

Result<NodeResult> lazy_cache(NodeCall& call) {
  return reuse_steps(call, StepReuse::Of::kDenoiser);
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
               "Leaves out calls of the U-Net whose result can be foretold from those before, "
               "arXiv:2507.02860. The picture changes a little.")
        .run(easy_cache)};

const RegisterNode kLazyCache{
    reuse_node("LazyCache",
               "EasyCache for whole steps, guidance included: simpler, works with every model, and "
               "changes the picture more.")
        .run(lazy_cache)};

}  // namespace
}  // namespace obscura::nodes
