#include <algorithm>

#include "graph/node_registry.h"
#include "image/channels.h"
#include "image/size.h"
#include "nodes/image/target_size.h"
#include "nodes/sockets.h"
#include "tensor/resize.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> resize_and_pad(NodeCall& call) {
  const Tensor& image = pixels_of(call);
  const Shape& s = image.shape();
  const image::Size target = {call.get<std::int64_t>("target_width"),
                              call.get<std::int64_t>("target_height")};
  OBSCURA_TRY(check_target(call, "pixels", s[0] * s[3], target));
  const double factor = std::min(static_cast<double>(target.width) / static_cast<double>(s[2]),
                                 static_cast<double>(target.height) / static_cast<double>(s[1]));
  auto side = [&](std::int64_t length) {
    return std::max<std::int64_t>(1,
                                  static_cast<std::int64_t>(static_cast<double>(length) * factor));
  };
  const std::int64_t width = side(s[2]), height = side(s[1]);
  Tensor inner = resize_image(image, width, height,
                              *resize_method_from_name(call.get<std::string>("interpolation")));
  const float level = call.get<std::string>("padding_color") == "white" ? 1 : 0;
  return NodeResult{image_value(image::centred(inner, target.height, target.width, level))};
}

const RegisterNode kResizeAndPadImage{
    NodeType("ResizeAndPadImage")
        .label("Resize And Pad Image")
        .category("image/transform")
        .description("Fits images into a size and fills what is left over.")
        .input(socket("image", "IMAGE"))
        .input(integer("target_width", 512).range(1, 16384).step(1))
        .input(integer("target_height", 512).range(1, 16384).step(1))
        .input(choice("padding_color", {"white", "black"}))
        .input(choice("interpolation", {"area", "bicubic", "nearest-exact", "bilinear", "lanczos"}))
        .output("IMAGE")
        .run(resize_and_pad)};

}  // namespace
}  // namespace obscura::nodes
