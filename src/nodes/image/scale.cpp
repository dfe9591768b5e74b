// The nodes that resize images.
#include <cmath>

#include "graph/node_registry.h"
#include "image/size.h"
#include "nodes/image/target_size.h"
#include "nodes/sockets.h"
#include "tensor/resize.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> image_resized(const NodeCall& call, image::Size size,
                                 ResizeCrop crop = ResizeCrop::kDisabled) {
  const Tensor& image = pixels_of(call);
  const Shape& s = image.shape();
  OBSCURA_TRY(check_target(call, "pixels", s[0] * s[3], size));
  return NodeResult{image_value(
      resize_image(image, size.width, size.height,
                   *resize_method_from_name(call.get<std::string>("upscale_method")), crop))};
}

Result<NodeResult> scale(NodeCall& call) {
  const Shape& s = pixels_of(call).shape();
  image::Size size{call.get<std::int64_t>("width"), call.get<std::int64_t>("height")};
  if (size.width == 0 && size.height == 0) return NodeResult{call.value("image")};
  return image_resized(call, image::completed(size, {s[2], s[1]}, 1),
                       crop_of(call.get<std::string>("crop")));
}

Result<NodeResult> scale_by(NodeCall& call) {
  const Shape& s = pixels_of(call).shape();
  return image_resized(call, image::scaled({s[2], s[1]}, call.get<double>("scale_by")));
}

Result<NodeResult> scale_to_total(NodeCall& call) {
  const Shape& s = pixels_of(call).shape();
  const double wanted = std::floor(call.get<double>("megapixels") * 1024 * 1024);
  const double have = static_cast<double>(s[1]) * static_cast<double>(s[2]);
  return image_resized(call, image::scaled({s[2], s[1]}, std::sqrt(wanted / have)));
}

Result<NodeResult> scale_to_largest(NodeCall& call) {
  const Shape& s = pixels_of(call).shape();
  const auto largest = call.get<std::int64_t>("largest_size");
  image::Size target = {largest, largest};
  if (s[1] > s[2]) target.width = 0;
  if (s[2] > s[1]) target.height = 0;
  return image_resized(call, image::completed(target, {s[2], s[1]}, 0));
}

InputSpec image_method() {
  return choice("upscale_method", {"nearest-exact", "bilinear", "area", "bicubic", "lanczos"});
}

const RegisterNode kScale{
    NodeType("ImageScale")
        .label("Upscale Image")
        .category("image/upscaling")
        .description("Resizes images. A side of 0 follows from the other; both 0 change nothing.")
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
                                .description("Resizes images by a factor.")
                                .input(socket("image", "IMAGE"))
                                .input(image_method())
                                .input(number("scale_by", 1.0).range(0.01, 8.0).step(0.01))
                                .output("IMAGE")
                                .run(scale_by)};

const RegisterNode kImageScaleToTotalPixels{
    NodeType("ImageScaleToTotalPixels")
        .label("Scale Image to Total Pixels")
        .category("image/upscaling")
        .description("Resizes images to so many million pixels.")
        .input(socket("image", "IMAGE"))
        .input(
            choice("upscale_method", {"nearest-exact", "bilinear", "area", "bicubic", "lanczos"}))
        .input(number("megapixels", 1.0).range(0.01, 16.0).step(0.01))
        .output("IMAGE")
        .run(scale_to_total)};

const RegisterNode kImageScaleToMaxDimension{
    NodeType("ImageScaleToMaxDimension")
        .label("Scale Image to Max Dimension")
        .category("image/upscaling")
        .description("Resizes images so that the longer side has so many pixels.")
        .input(socket("image", "IMAGE"))
        .input(choice("upscale_method",
                      {"area", "lanczos", "bilinear", "nearest-exact", "bilinear", "bicubic"}))
        .input(integer("largest_size", 512).range(0, 16384).step(1))
        .output("IMAGE")
        .run(scale_to_largest)};

}  // namespace
}  // namespace obscura::nodes
