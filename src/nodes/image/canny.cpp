#include "image/canny.h"
#include "graph/node_registry.h"
#include "image/channels.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> run_canny(NodeCall& call) {
  OBSCURA_ASSIGN(Tensor edges,
                 image::canny(pixels_of(call), call.get<double>("low_threshold"),
                              call.get<double>("high_threshold"), call.cancel_token()));
  return NodeResult{image_value(image::gray(edges))};
}

const RegisterNode kCanny{NodeType("Canny")
                              .label("Canny")
                              .category("image/preprocessors")
                              .description("Draws the edges of an image, white on black.")
                              .input(socket("image", "IMAGE"))
                              .input(number("low_threshold", 0.4).range(0.01, 0.99).step(0.01))
                              .input(number("high_threshold", 0.8).range(0.01, 0.99).step(0.01))
                              .output("IMAGE")
                              .run(run_canny)};

}  // namespace
}  // namespace obscura::nodes
