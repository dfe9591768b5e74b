// MaskToImage, ImageToMask, SolidMask, InvertMask, GrowMask and FeatherMask.
#include <algorithm>

#include "graph/node_registry.h"
#include "image/mask.h"
#include "nodes/host_memory.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> to_image(NodeCall& call) {
  const Tensor& mask = call.get<Mask>("mask").values;
  const Shape& s = mask.shape();
  Tensor image(Shape{s[0], s[1], s[2], 3});
  for (std::int64_t i = 0; i < image.elements(); ++i) image.data()[i] = mask.data()[i / 3];
  return NodeResult{image_value(std::move(image))};
}

Result<NodeResult> to_mask(NodeCall& call) {
  const Tensor& image = call.get<Image>("image").pixels;
  const Shape& s = image.shape();
  const std::string& name = call.get<std::string>("channel");
  const std::int64_t index = name == "red" ? 0 : (name == "green" ? 1 : (name == "blue" ? 2 : 3));
  if (index >= s[3]) {
    return Error(ErrorKind::kInvalidInput,
                 "input \"channel\": wanted a channel of the picture, "
                 "which has " +
                     std::to_string(s[3]) + ", found alpha");
  }
  Tensor mask(Shape{s[0], s[1], s[2]});
  for (std::int64_t i = 0; i < mask.elements(); ++i)
    mask.data()[i] = image.data()[i * s[3] + index];
  return NodeResult{mask_value(std::move(mask))};
}

Result<NodeResult> solid(NodeCall& call) {
  const auto height = call.get<std::int64_t>("height"), width = call.get<std::int64_t>("width");
  OBSCURA_TRY(check_fits(call, "a mask", {height, width}));
  return NodeResult{mask_value(
      Tensor::filled({1, height, width}, static_cast<float>(call.get<double>("value"))))};
}

Result<NodeResult> mask_invert(NodeCall& call) {
  Tensor mask = call.get<Mask>("mask").values.clone();
  for (float& value : mask.values()) value = 1 - value;
  return NodeResult{mask_value(std::move(mask))};
}

Result<NodeResult> grow_mask(NodeCall& call) {
  OBSCURA_ASSIGN(Tensor grown,
                 image::grow(call.get<Mask>("mask").values, call.get<std::int64_t>("expand"),
                             call.get<bool>("tapered_corners"), call.cancel_token()));
  return NodeResult{mask_value(std::move(grown))};
}

// What is left of a value `place` pixels from an edge that fades over `width` pixels.
float faded(std::int64_t place, std::int64_t width) {
  return place < width ? static_cast<float>(place + 1) / static_cast<float>(width) : 1;
}

Result<NodeResult> feather(NodeCall& call) {
  Tensor mask = call.get<Mask>("mask").values.clone();
  const Shape& s = mask.shape();
  const auto width_at = [&](const char* side, std::int64_t most) {
    return std::min(most, call.get<std::int64_t>(side));
  };
  const std::int64_t left = width_at("left", s[2]), right = width_at("right", s[2]);
  const std::int64_t top = width_at("top", s[1]), bottom = width_at("bottom", s[1]);
  for (std::int64_t i = 0; i < mask.elements(); ++i) {
    std::int64_t x = i % s[2], y = i / s[2] % s[1];
    mask.data()[i] *=
        faded(x, left) * faded(s[2] - 1 - x, right) * faded(y, top) * faded(s[1] - 1 - y, bottom);
  }
  return NodeResult{mask_value(std::move(mask))};
}

NodeType mask_node(const char* id, const char* label, const char* description) {
  return NodeType(id).label(label).category("mask").description(description);
}

InputSpec side(const char* name) {
  return integer(name, 0).range(0, 16384).step(1).tooltip("Pixels over which this side fades.");
}

const RegisterNode kToImage{
    mask_node("MaskToImage", "Convert Mask to Image", "Shows a mask as gray.")
        .input(socket("mask", "MASK"))
        .output("IMAGE")
        .run(to_image)};

const RegisterNode kToMask{
    mask_node("ImageToMask", "Convert Image to Mask", "Takes one channel of a picture as a mask.")
        .input(socket("image", "IMAGE"))
        .input(choice("channel", {"red", "green", "blue", "alpha"}))
        .output("MASK")
        .run(to_mask)};

const RegisterNode kSolid{mask_node("SolidMask", "SolidMask", "A mask of one value.")
                              .input(number("value", 1.0).range(0, 1).step(0.01))
                              .input(integer("width", 512).range(1, 16384).step(1))
                              .input(integer("height", 512).range(1, 16384).step(1))
                              .output("MASK")
                              .run(solid)};

const RegisterNode kMaskInvert{mask_node("InvertMask", "InvertMask", "Turns a mask inside out.")
                                   .input(socket("mask", "MASK"))
                                   .output("MASK")
                                   .run(mask_invert)};

const RegisterNode kGrow{
    mask_node("GrowMask", "Grow Mask", "Makes the masked part larger, or smaller.")
        .input(socket("mask", "MASK"))
        .input(integer("expand", 0)
                   .range(-16384, 16384)
                   .step(1)
                   .tooltip("Pixels; below 0 the masked part shrinks."))
        .input(toggle("tapered_corners", true).tooltip("Slants corners instead of keeping them."))
        .output("MASK")
        .run(grow_mask)};

const RegisterNode kFeather{
    mask_node("FeatherMask", "FeatherMask", "Fades a mask towards its sides.")
        .input(socket("mask", "MASK"))
        .input(side("left"))
        .input(side("top"))
        .input(side("right"))
        .input(side("bottom"))
        .output("MASK")
        .run(feather)};

}  // namespace
}  // namespace obscura::nodes
