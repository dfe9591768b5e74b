#include "image/quantize.h"
#include "graph/node_registry.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

image::Dither dither_called(const std::string& name) {
  constexpr std::string_view kOrdered = "bayer-";
  if (name.starts_with(kOrdered)) return {.order = std::stoi(name.substr(kOrdered.size()))};
  return {.by_error = name == "floyd-steinberg"};
}

Result<NodeResult> run_image_quantize(NodeCall& call) {
  OBSCURA_ASSIGN(Tensor few, image::quantized(pixels_of(call), call.get<std::size_t>("colors"),
                                              dither_called(call.get<std::string>("dither")),
                                              call.cancel_token()));
  return NodeResult{image_value(std::move(few))};
}

const RegisterNode kImageQuantize{
    NodeType("ImageQuantize")
        .label("ImageQuantize")
        .category("image/postprocessing")
        .description("Makes do with few colours, those that fit each image best, and mixes others "
                     "of dots if wanted.")
        .input(socket("image", "IMAGE"))
        .input(integer("colors", 256).range(1, 256).step(1))
        .input(choice("dither",
                      {"none", "floyd-steinberg", "bayer-2", "bayer-4", "bayer-8", "bayer-16"}))
        .output("IMAGE")
        .run(run_image_quantize)};

}  // namespace
}  // namespace obscura::nodes
