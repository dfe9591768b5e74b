// Images cut, turned and mirrored.
#include <algorithm>

#include "graph/node_registry.h"
#include "image/raster.h"
#include "nodes/sockets.h"
#include "tensor/resize.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> image_crop(NodeCall& call) {
  const Tensor planes = planes_of_image(pixels_of(call));
  const Shape& s = planes.shape();
  return NodeResult{image_value(image_of_planes(
      image::cropped(planes, std::min(call.get<std::int64_t>("x"), s[3] - 1),
                     std::min(call.get<std::int64_t>("y"), s[2] - 1),
                     call.get<std::int64_t>("width"), call.get<std::int64_t>("height"))))};
}

Result<NodeResult> image_rotate(NodeCall& call) {
  return NodeResult{image_value(image_of_planes(image::rotated(
      planes_of_image(pixels_of(call)), image::quarter_turns(call.get<std::string>("rotation")))))};
}

Result<NodeResult> image_flip(NodeCall& call) {
  return NodeResult{image_value(image_of_planes(
      image::flipped(planes_of_image(pixels_of(call)),
                     image::is_upside_down(call.get<std::string>("flip_method")))))};
}

const RegisterNode kImageCrop{NodeType("ImageCrop")
                                  .label("Image Crop")
                                  .category("image/transform")
                                  .description("Cuts a rectangle out of images.")
                                  .input(socket("image", "IMAGE"))
                                  .input(integer("width", 512).range(1, 16384).step(1))
                                  .input(integer("height", 512).range(1, 16384).step(1))
                                  .input(integer("x", 0).range(0, 16384).step(1))
                                  .input(integer("y", 0).range(0, 16384).step(1))
                                  .output("IMAGE")
                                  .run(image_crop)};

const RegisterNode kImageRotate{
    NodeType("ImageRotate")
        .label("Image Rotate")
        .category("image/transform")
        .description("Turns images clockwise.")
        .input(socket("image", "IMAGE"))
        .input(choice("rotation", {"none", "90 degrees", "180 degrees", "270 degrees"}))
        .output("IMAGE")
        .run(image_rotate)};

const RegisterNode kImageFlip{
    NodeType("ImageFlip")
        .label("Image Flip")
        .category("image/transform")
        .description("Mirrors images.")
        .input(socket("image", "IMAGE"))
        .input(choice("flip_method", {"x-axis: vertically", "y-axis: horizontally"}))
        .output("IMAGE")
        .run(image_flip)};

}  // namespace
}  // namespace obscura::nodes
