#include "graph/node_registry.h"
#include "image/channels.h"
#include "image/raster.h"
#include "nodes/sockets.h"
#include "tensor/resize.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> image_composite_masked(NodeCall& call) {
  const Tensor& destination = pixels_of(call, "destination");
  const Tensor source = image::with_channels(pixels_of(call, "source"), destination.shape()[3]);
  const auto* mask = call.find<Mask>("mask");
  return NodeResult{image_value(image_of_planes(image::composite(
      planes_of_image(destination), planes_of_image(source), mask ? mask->values : Tensor(),
      {.x = call.get<std::int64_t>("x"),
       .y = call.get<std::int64_t>("y"),
       .resize = call.get<bool>("resize_source")})))};
}

const RegisterNode kImageCompositeMasked{
    NodeType("ImageCompositeMasked")
        .label("ImageCompositeMasked")
        .category("image")
        .description("Lays one image over another where a mask says.")
        .input(socket("destination", "IMAGE"))
        .input(socket("source", "IMAGE"))
        .input(integer("x", 0).range(0, 16384).step(1))
        .input(integer("y", 0).range(0, 16384).step(1))
        .input(toggle("resize_source", false))
        .optional(socket("mask", "MASK"))
        .output("IMAGE")
        .run(image_composite_masked)};

}  // namespace
}  // namespace obscura::nodes
