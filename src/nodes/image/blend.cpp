#include "image/blend.h"
#include "graph/node_registry.h"
#include "image/channels.h"
#include "image/raster.h"
#include "nodes/image/clipped.h"
#include "nodes/sockets.h"
#include "tensor/resize.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> image_blend(NodeCall& call) {
  const Tensor& first = pixels_of(call, "image1");
  const Shape& s = first.shape();
  Tensor second = image::with_channels(pixels_of(call, "image2"), s[3]);
  if (second.shape()[1] != s[1] || second.shape()[2] != s[2])
    second = resize_image(second, s[2], s[1], ResizeMethod::kBicubic, ResizeCrop::kCenter);
  second = image::repeated_to(second, s[0]);
  const auto share = static_cast<float>(call.get<double>("blend_factor"));
  const image::BlendFunction mixed = image::blend_function(call.get<std::string>("blend_mode"));
  Tensor result(s);
  for (std::int64_t i = 0; i < result.elements(); ++i) {
    float a = first.data()[i];
    result.data()[i] = a * (1 - share) + mixed(a, second.data()[i]) * share;
  }
  return clipped(std::move(result));
}

const RegisterNode kImageBlend{
    NodeType("ImageBlend")
        .label("Image Blend")
        .category("image/postprocessing")
        .description("Mixes two images.")
        .input(socket("image1", "IMAGE"))
        .input(socket("image2", "IMAGE"))
        .input(number("blend_factor", 0.5).range(0.0, 1.0).step(0.01))
        .input(choice("blend_mode",
                      {"normal", "multiply", "screen", "overlay", "soft_light", "difference"}))
        .output("IMAGE")
        .run(image_blend)};

}  // namespace
}  // namespace obscura::nodes
