// Masks of images, and images of masks.
#include <algorithm>
#include <cmath>

#include "graph/node_registry.h"
#include "image/channels.h"
#include "nodes/mask/mask_node.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> mask_to_image(NodeCall& call) {
  return NodeResult{image_value(image::gray(mask_of(call)))};
}

Result<NodeResult> image_to_mask(NodeCall& call) {
  const Tensor& image = pixels_of(call);
  const std::int64_t channels = image.shape()[3];
  const std::string& name = call.get<std::string>("channel");
  const std::int64_t index = name == "red" ? 0 : (name == "green" ? 1 : (name == "blue" ? 2 : 3));
  if (index >= channels) {
    return call.input_error(
        "channel", ErrorKind::kInvalidInput,
        "wanted a channel of the image, which has " + std::to_string(channels) + ", found alpha");
  }
  return NodeResult{mask_value(image::channel(image, index))};
}

Result<NodeResult> color_to_mask(NodeCall& call) {
  const Tensor image = image::with_channels(pixels_of(call), 3);
  const Shape& s = image.shape();
  const auto color = call.get<std::int64_t>("color");
  Tensor mask(Shape{s[0], s[1], s[2]});
  for (std::int64_t i = 0; i < mask.elements(); ++i) {
    std::int64_t found = 0;
    for (std::int64_t c = 0; c < 3; ++c) {
      float level = std::clamp(image.data()[i * 3 + c], 0.0f, 1.0f) * 255;
      found = found << 8 | static_cast<std::int64_t>(std::nearbyint(level));
    }
    mask.data()[i] = found == color ? 1 : 0;
  }
  return NodeResult{mask_value(std::move(mask))};
}

const RegisterNode kMaskToImage{
    mask_node("MaskToImage", "Convert Mask to Image", "Shows a mask as gray.")
        .input(socket("mask", "MASK"))
        .output("IMAGE")
        .run(mask_to_image)};

const RegisterNode kImageToMask{
    mask_node("ImageToMask", "Convert Image to Mask", "Takes one channel of an image as a mask.")
        .input(socket("image", "IMAGE"))
        .input(choice("channel", {"red", "green", "blue", "alpha"}))
        .output("MASK")
        .run(image_to_mask)};

const RegisterNode kImageColorToMask{
    mask_node("ImageColorToMask", "ImageColorToMask", "Masks the pixels of one colour.")
        .input(socket("image", "IMAGE"))
        .input(integer("color", 0).range(0, 16777215).step(1))
        .output("MASK")
        .run(color_to_mask)};

}  // namespace
}  // namespace obscura::nodes
