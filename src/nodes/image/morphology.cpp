#include "image/morphology.h"
#include "graph/node_registry.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> run_morphology(NodeCall& call) {
  return NodeResult{image_value(image::morphology(
      pixels_of(call), call.get<std::string>("operation"), call.get<std::int64_t>("kernel_size")))};
}

const RegisterNode kMorphology{
    NodeType("Morphology")
        .label("ImageMorphology")
        .category("image/postprocessing")
        .description("Grows or shrinks what is light, and what follows from that.")
        .input(socket("image", "IMAGE"))
        .input(choice("operation",
                      {"erode", "dilate", "open", "close", "gradient", "bottom_hat", "top_hat"}))
        .input(integer("kernel_size", 3).range(3, 999).step(1))
        .output("IMAGE")
        .run(run_morphology)};

}  // namespace
}  // namespace obscura::nodes
