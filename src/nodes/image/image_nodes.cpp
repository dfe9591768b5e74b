// EmptyImage, ImageScale, ImageScaleBy and ImageInvert.
#include "graph/node_registry.h"
#include "nodes/host_memory.h"
#include "nodes/image/target_size.h"
#include "nodes/sockets.h"
#include "tensor/resize.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> empty(NodeCall& call) {
  const auto batch = call.get<std::int64_t>("batch_size");
  const auto height = call.get<std::int64_t>("height"), width = call.get<std::int64_t>("width");
  const auto color = call.get<std::int64_t>("color");
  OBSCURA_TRY(check_fits(call, "a picture", {batch, height, width, 3}));
  Tensor image(Shape{batch, height, width, 3});
  for (std::int64_t i = 0; i < image.elements(); ++i)
    image.data()[i] = static_cast<float>(color >> (16 - 8 * (i % 3)) & 0xff) / 255.0f;
  return NodeResult{image_value(std::move(image))};
}

Result<NodeResult> image_resized(const NodeCall& call, Size size, ResizeCrop crop) {
  const Tensor& image = call.get<Image>("image").pixels;
  const Shape& s = image.shape();
  OBSCURA_TRY(check_target(call, "pixels", s[0] * s[3], size));
  return NodeResult{image_value(
      resize_image(image, size.width, size.height,
                   *resize_method_from_name(call.get<std::string>("upscale_method")), crop))};
}

Result<NodeResult> scale(NodeCall& call) {
  const Shape& s = call.get<Image>("image").pixels.shape();
  Size size{call.get<std::int64_t>("width"), call.get<std::int64_t>("height")};
  if (size.width == 0 && size.height == 0) return NodeResult{call.value("image")};
  return image_resized(call, completed(size, {s[2], s[1]}, 1),
                       crop_of(call.get<std::string>("crop")));
}

Result<NodeResult> scale_by(NodeCall& call) {
  const Shape& s = call.get<Image>("image").pixels.shape();
  return image_resized(call, nodes::scaled({s[2], s[1]}, call.get<double>("scale_by")),
                       ResizeCrop::kDisabled);
}

Result<NodeResult> image_invert(NodeCall& call) {
  Tensor image = call.get<Image>("image").pixels.clone();
  for (float& value : image.values()) value = 1 - value;
  return NodeResult{image_value(std::move(image))};
}

InputSpec image_method() {
  return choice("upscale_method", {"nearest-exact", "bilinear", "area", "bicubic", "lanczos"});
}

const RegisterNode kEmpty{
    NodeType("EmptyImage")
        .label("EmptyImage")
        .category("image")
        .description("Pictures of one colour.")
        .input(integer("width", 512).range(1, 16384).step(1))
        .input(integer("height", 512).range(1, 16384).step(1))
        .input(integer("batch_size", 1).range(1, 4096))
        .input(integer("color", 0)
                   .range(0, 0xffffff)
                   .step(1)
                   .option("display", "color")
                   .tooltip("Red, green and blue as one number: 0xff0000 is red."))
        .output("IMAGE")
        .run(empty)};

const RegisterNode kScale{
    NodeType("ImageScale")
        .label("Upscale Image")
        .category("image/upscaling")
        .description("Resizes pictures. A side of 0 follows from the other; both 0 change nothing.")
        .input(socket("image", "IMAGE"))
        .input(image_method())
        .input(integer("width", 512).range(0, 16384).step(1))
        .input(integer("height", 512).range(0, 16384).step(1))
        .input(choice("crop", {"disabled", "center"}))
        .output("IMAGE")
        .run(scale)};

const RegisterNode kScaleBy{NodeType("ImageScaleBy")
                                .label("Upscale Image By")
                                .category("image/upscaling")
                                .description("Resizes pictures by a factor.")
                                .input(socket("image", "IMAGE"))
                                .input(image_method())
                                .input(number("scale_by", 1.0).range(0.01, 8.0).step(0.01))
                                .output("IMAGE")
                                .run(scale_by)};

const RegisterNode kImageInvert{NodeType("ImageInvert")
                                    .label("Invert Image")
                                    .category("image")
                                    .description("Turns light into dark and back.")
                                    .input(socket("image", "IMAGE"))
                                    .output("IMAGE")
                                    .run(image_invert)};

}  // namespace
}  // namespace obscura::nodes
