// FreeU and FreeU_V2.
#include "graph/node_registry.h"
#include "models/unet/unet.h"
#include "nodes/changed.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::DiffusionModel;

NodeResult free_u(const NodeCall& call, bool version_2) {
  auto factor = [&](const char* input) { return static_cast<float>(call.get<double>(input)); };
  return changed_model(call, [&](DiffusionModel& model) {
    model.patches.unet.free_u = models::FreeU{.b1 = factor("b1"),
                                              .b2 = factor("b2"),
                                              .s1 = factor("s1"),
                                              .s2 = factor("s2"),
                                              .version_2 = version_2};
  });
}

template <bool version_2>
Result<NodeResult> run_free_u(NodeCall& call) {
  return free_u(call, version_2);
}

const RegisterNode kFreeU{NodeType("FreeU")
                              .label("FreeU")
                              .category("model_patches/unet")
                              .description("Strengthens what the U-Net makes and weakens the "
                                           "coarsest of what it only hands over, arXiv:2309.11497.")
                              .input(socket("model", "MODEL"))
                              .input(number("b1", 1.1).range(0.0, 10.0).step(0.01))
                              .input(number("b2", 1.2).range(0.0, 10.0).step(0.01))
                              .input(number("s1", 0.9).range(0.0, 10.0).step(0.01))
                              .input(number("s2", 0.2).range(0.0, 10.0).step(0.01))
                              .output("MODEL")
                              .run(run_free_u<false>)};

const RegisterNode kFreeUV2{
    NodeType("FreeU_V2")
        .label("FreeU_V2")
        .category("model_patches/unet")
        .description("FreeU that strengthens each place by how much there is.")
        .input(socket("model", "MODEL"))
        .input(number("b1", 1.3).range(0.0, 10.0).step(0.01))
        .input(number("b2", 1.4).range(0.0, 10.0).step(0.01))
        .input(number("s1", 0.9).range(0.0, 10.0).step(0.01))
        .input(number("s2", 0.2).range(0.0, 10.0).step(0.01))
        .output("MODEL")
        .run(run_free_u<true>)};

}  // namespace
}  // namespace obscura::nodes
