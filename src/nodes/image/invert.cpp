#include "graph/node_registry.h"
#include "image/channels.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> image_invert(NodeCall& call) {
  return NodeResult{image_value(image::inverted(pixels_of(call)))};
}

const RegisterNode kImageInvert{NodeType("ImageInvert")
                                    .label("Invert Image")
                                    .category("image")
                                    .description("Turns light into dark and back.")
                                    .input(socket("image", "IMAGE"))
                                    .output("IMAGE")
                                    .run(image_invert)};

}  // namespace
}  // namespace obscura::nodes
