#include "graph/node_registry.h"
#include "nodes/changed.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> differential(NodeCall& call) {
  return changed_model(call, [&](pipeline::DiffusionModel& model) {
    model.patches.differential = call.get_or<double>("strength", 1.0);
  });
}

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
