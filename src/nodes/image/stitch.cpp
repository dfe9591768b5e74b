#include <algorithm>
#include <tuple>

#include "graph/node_registry.h"
#include "image/channels.h"
#include "image/raster.h"
#include "nodes/sockets.h"
#include "tensor/resize.h"

namespace obscura::nodes {
namespace {

using namespace graph;

// The second image with the first's height, or width, and its own proportions.
Tensor matched(const Tensor& second, const Shape& first, bool horizontal) {
  const Shape& s = second.shape();
  const double aspect = static_cast<double>(s[2]) / static_cast<double>(s[1]);
  const std::int64_t height =
      horizontal ? first[1] : static_cast<std::int64_t>(static_cast<double>(first[2]) / aspect);
  const std::int64_t width =
      horizontal ? static_cast<std::int64_t>(static_cast<double>(first[1]) * aspect) : first[2];
  return resize_image(second, std::max<std::int64_t>(1, width), std::max<std::int64_t>(1, height),
                      ResizeMethod::kLanczos);
}

Tensor last_repeated(const Tensor& batch, std::int64_t count) {
  std::vector<Tensor> parts = {batch};
  const std::int64_t have = batch.shape()[0];
  for (std::int64_t i = have; i < count; ++i) parts.push_back(batch.slice(have - 1));
  return concatenate(parts);
}

image::Colour spacing_colour(const std::string& name) {
  if (name == "white") return {1, 1, 1};
  return {name == "red" ? 1.0f : 0, name == "green" ? 1.0f : 0, name == "blue" ? 1.0f : 0};
}

Result<NodeResult> stitch(NodeCall& call) {
  if (!call.has("image2")) return NodeResult{call.value("image1")};
  const auto& direction = call.get<std::string>("direction");
  const bool horizontal = direction == "left" || direction == "right";
  const std::string& colour_name = call.get<std::string>("spacing_color");
  Tensor first = pixels_of(call, "image1"), second = pixels_of(call, "image2");
  const std::int64_t count = std::max(first.shape()[0], second.shape()[0]);
  first = last_repeated(first, count);
  second = last_repeated(second, count);
  if (call.get<bool>("match_image_size")) {
    second = matched(second, first.shape(), horizontal);
  } else {
    const Shape a = first.shape(), b = second.shape();
    const float level = colour_name == "white" ? 1 : 0;
    const std::int64_t height = std::max(a[1], b[1]), width = std::max(a[2], b[2]);
    first = image::centred(first, horizontal ? height : a[1], horizontal ? a[2] : width, level);
    second = image::centred(second, horizontal ? height : b[1], horizontal ? b[2] : width, level);
  }
  std::tie(first, second) = image::with_equal_channels(first, second);
  if (direction == "left" || direction == "up") std::swap(first, second);
  const Shape s = first.shape();
  std::int64_t spacing = call.get<std::int64_t>("spacing_width");
  spacing += spacing % 2;
  const int axis = horizontal ? 2 : 1;
  if (spacing > 0) {
    Shape gap = s;
    gap.set(axis, spacing);
    first = image::joined(first, image::canvas(gap, spacing_colour(colour_name)), axis);
  }
  return NodeResult{image_value(image::joined(first, second, axis))};
}

const RegisterNode kImageStitch{
    NodeType("ImageStitch")
        .label("Image Stitch")
        .category("image/transform")
        .description("Puts two images side by side, or one below the other.")
        .input(socket("image1", "IMAGE"))
        .input(choice("direction", {"right", "down", "left", "up"}).default_value("right"))
        .input(toggle("match_image_size", true))
        .input(integer("spacing_width", 0).range(0, 1024).step(2))
        .input(choice("spacing_color", {"white", "black", "red", "green", "blue"})
                   .default_value("white"))
        .optional(socket("image2", "IMAGE"))
        .output("IMAGE")
        .run(stitch)};

}  // namespace
}  // namespace obscura::nodes
