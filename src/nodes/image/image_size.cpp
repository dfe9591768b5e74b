#include "graph/node_registry.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> get_image_size(NodeCall& call) {
  const Shape& s = pixels_of(call).shape();
  return NodeResult{Value::integer(s[2]), Value::integer(s[1]), Value::integer(s[0])};
}

const RegisterNode kGetImageSize{NodeType("GetImageSize")
                                     .label("Get Image Size")
                                     .category("image")
                                     .description("Width, height and batch size.")
                                     .input(socket("image", "IMAGE"))
                                     .hidden(Hidden::kUniqueId)
                                     .output("INT", "width")
                                     .output("INT", "height")
                                     .output("INT", "batch_size")
                                     .run(get_image_size)};

}  // namespace
}  // namespace obscura::nodes
