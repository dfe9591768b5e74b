#include "graph/node_registry.h"
#include "nodes/host_memory.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> empty_image(NodeCall& call) {
  const auto batch = call.get<std::int64_t>("batch_size");
  const auto height = call.get<std::int64_t>("height"), width = call.get<std::int64_t>("width");
  const auto color = call.get<std::int64_t>("color");
  OBSCURA_TRY(check_fits(call, "an image", {batch, height, width, 3}));
  Tensor image(Shape{batch, height, width, 3});
  for (std::int64_t i = 0; i < image.elements(); ++i)
    image.data()[i] = static_cast<float>(color >> (16 - 8 * (i % 3)) & 0xff) / 255.0f;
  return NodeResult{image_value(std::move(image))};
}

const RegisterNode kEmptyImage{
    NodeType("EmptyImage")
        .label("EmptyImage")
        .category("image")
        .description("Images of one colour.")
        .input(integer("width", 512).range(1, 16384).step(1))
        .input(integer("height", 512).range(1, 16384).step(1))
        .input(integer("batch_size", 1).range(1, 4096))
        .input(integer("color", 0)
                   .range(0, 0xffffff)
                   .step(1)
                   .option("display", "color")
                   .tooltip("Red, green and blue as one number: 0xff0000 is red."))
        .output("IMAGE")
        .run(empty_image)};

}  // namespace
}  // namespace obscura::nodes
