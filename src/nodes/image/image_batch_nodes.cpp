// Pictures put together and taken apart: batches, stitching, sizes.
#include <algorithm>
#include <cmath>

#include "graph/node_registry.h"
#include "image/channels.h"
#include "image/raster.h"
#include "nodes/host_memory.h"
#include "nodes/image/target_size.h"
#include "nodes/sockets.h"
#include "tensor/resize.h"

namespace obscura::nodes {
namespace {

using namespace graph;

const Tensor& image_batch_image_of(const NodeCall& call, const char* input = "image") {
  return call.get<Image>(input).pixels;
}

Result<NodeResult> image_batch_batch(NodeCall& call) {
  const Tensor& first = image_batch_image_of(call, "image1");
  Tensor second = image_batch_image_of(call, "image2");
  const Shape &a = first.shape(), &b = second.shape();
  if (a[1] != b[1] || a[2] != b[2])
    second = resize_image(second, a[2], a[1], ResizeMethod::kBilinear, ResizeCrop::kCenter);
  auto [one, two] = image::with_equal_channels(first, second);
  return NodeResult{image_value(concatenate(std::vector<Tensor>{one, two}))};
}

Result<NodeResult> image_batch_repeat(NodeCall& call) {
  const Tensor& image = image_batch_image_of(call);
  const auto amount = call.get<std::int64_t>("amount");
  const Shape& s = image.shape();
  OBSCURA_TRY(check_fits(call, "a batch of pictures", {amount, s[0], s[1], s[2], s[3]}));
  return NodeResult{image_value(image::repeated_to(image, amount * s[0]))};
}

Result<NodeResult> image_batch_from_batch(NodeCall& call) {
  const Tensor& image = image_batch_image_of(call);
  const std::int64_t count = image.shape()[0];
  const std::int64_t begin = std::min(call.get<std::int64_t>("batch_index"), count - 1);
  const std::int64_t length = std::min(call.get<std::int64_t>("length"), count - begin);
  return NodeResult{image_value(image.slice(begin, begin + length))};
}

Result<NodeResult> image_batch_rebatch(NodeCall& call) {
  const auto most = call.values("batch_size").front().get<std::size_t>();
  std::vector<Tensor> singles;
  for (const Value& value : call.values("images")) {
    const Tensor& images = value.get<Image>().pixels;
    for (std::int64_t i = 0; i < images.shape()[0]; ++i) singles.push_back(images.slice(i));
  }
  ValueList batches;
  for (std::size_t i = 0; i < singles.size(); i += most) {
    auto part = std::span(singles).subspan(i, std::min(most, singles.size() - i));
    for (const Tensor& one : part) {
      if (one.shape() == part.front().shape()) continue;
      return Error(ErrorKind::kInvalidInput, "wanted pictures of one size in a batch, found " +
                                                 part.front().shape().text() + " and " +
                                                 one.shape().text() + ": resize them first");
    }
    batches.push_back(image_value(concatenate(part)));
  }
  return NodeResult().add_list(std::move(batches));
}

Result<NodeResult> size(NodeCall& call) {
  const Shape& s = image_batch_image_of(call).shape();
  return NodeResult{Value::integer(s[2]), Value::integer(s[1]), Value::integer(s[0])};
}

Result<NodeResult> scaled_to(const NodeCall& call, Size target, const char* method) {
  const Shape& s = image_batch_image_of(call).shape();
  OBSCURA_TRY(check_target(call, "pixels", s[0] * s[3], target));
  return NodeResult{
      image_value(resize_image(image_batch_image_of(call), target.width, target.height,
                               *resize_method_from_name(call.get<std::string>(method))))};
}

Result<NodeResult> scale_to_total(NodeCall& call) {
  const Shape& s = image_batch_image_of(call).shape();
  const double wanted = std::floor(call.get<double>("megapixels") * 1024 * 1024);
  const double have = static_cast<double>(s[1]) * static_cast<double>(s[2]);
  return scaled_to(call, nodes::scaled({s[2], s[1]}, std::sqrt(wanted / have)), "upscale_method");
}

Result<NodeResult> scale_to_largest(NodeCall& call) {
  const Shape& s = image_batch_image_of(call).shape();
  const auto largest = call.get<std::int64_t>("largest_size");
  Size target = {largest, largest};
  if (s[1] > s[2]) target.width = 0;
  if (s[2] > s[1]) target.height = 0;
  return scaled_to(call, completed(target, {s[2], s[1]}, 0), "upscale_method");
}

// A canvas of one colour; alpha, where there is one, is opaque.
Tensor canvas(const Shape& shape, const image::Colour& colour) {
  Tensor result(shape);
  const std::int64_t channels = shape[3];
  for (std::int64_t i = 0; i < result.elements(); ++i) {
    auto channel = static_cast<std::size_t>(i % channels);
    result.data()[i] = channel < colour.size() ? colour[channel] : 1;
  }
  return result;
}

Result<NodeResult> resize_and_pad(NodeCall& call) {
  const Tensor& image = image_batch_image_of(call);
  const Shape& s = image.shape();
  const Size target = {call.get<std::int64_t>("target_width"),
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
  Tensor result = Tensor::filled({s[0], target.height, target.width, s[3]}, level);
  image::paste(inner, result, (target.width - width) / 2, (target.height - height) / 2);
  return NodeResult{image_value(std::move(result))};
}

// The second picture with the first's height, or width, and its own proportions.
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

// `image` in the middle of a canvas of `height` or `width`.
Tensor padded_to(const Tensor& image, std::int64_t height, std::int64_t width, float level) {
  const Shape& s = image.shape();
  if (s[1] == height && s[2] == width) return image;
  Tensor result = Tensor::filled({s[0], height, width, s[3]}, level);
  image::paste(image, result, (width - s[2]) / 2, (height - s[1]) / 2);
  return result;
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
  Tensor first = image_batch_image_of(call, "image1"),
         second = image_batch_image_of(call, "image2");
  const std::int64_t count = std::max(first.shape()[0], second.shape()[0]);
  first = last_repeated(first, count);
  second = last_repeated(second, count);
  if (call.get<bool>("match_image_size")) {
    second = matched(second, first.shape(), horizontal);
  } else {
    const Shape a = first.shape(), b = second.shape();
    const float level = colour_name == "white" ? 1 : 0;
    const std::int64_t height = std::max(a[1], b[1]), width = std::max(a[2], b[2]);
    first = padded_to(first, horizontal ? height : a[1], horizontal ? a[2] : width, level);
    second = padded_to(second, horizontal ? height : b[1], horizontal ? b[2] : width, level);
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
    first = image::joined(first, canvas(gap, spacing_colour(colour_name)), axis);
  }
  return NodeResult{image_value(image::joined(first, second, axis))};
}

Result<NodeResult> image_batch_crop(NodeCall& call) {
  const Tensor planes = planes_of_image(image_batch_image_of(call));
  const Shape& s = planes.shape();
  return NodeResult{image_value(image_of_planes(
      image::cropped(planes, std::min(call.get<std::int64_t>("x"), s[3] - 1),
                     std::min(call.get<std::int64_t>("y"), s[2] - 1),
                     call.get<std::int64_t>("width"), call.get<std::int64_t>("height"))))};
}

Result<NodeResult> image_batch_rotate(NodeCall& call) {
  return NodeResult{image_value(
      image_of_planes(image::rotated(planes_of_image(image_batch_image_of(call)),
                                     image::quarter_turns(call.get<std::string>("rotation")))))};
}

Result<NodeResult> image_batch_flip(NodeCall& call) {
  return NodeResult{image_value(image_of_planes(
      image::flipped(planes_of_image(image_batch_image_of(call)),
                     image::is_upside_down(call.get<std::string>("flip_method")))))};
}

const RegisterNode kImageBatch{
    NodeType("ImageBatch")
        .label("Batch Images")
        .category("image")
        .description("Puts pictures together; the second are resized to the first.")
        .input(socket("image1", "IMAGE"))
        .input(socket("image2", "IMAGE"))
        .output("IMAGE")
        .run(image_batch_batch)};

const RegisterNode kRepeatImageBatch{NodeType("RepeatImageBatch")
                                         .label("RepeatImageBatch")
                                         .category("image/batch")
                                         .description("Repeats pictures.")
                                         .input(socket("image", "IMAGE"))
                                         .input(integer("amount", 1).range(1, 4096))
                                         .output("IMAGE")
                                         .run(image_batch_repeat)};

const RegisterNode kImageFromBatch{NodeType("ImageFromBatch")
                                       .label("ImageFromBatch")
                                       .category("image/batch")
                                       .description("Takes pictures out of a batch.")
                                       .input(socket("image", "IMAGE"))
                                       .input(integer("batch_index", 0).range(0, 4095))
                                       .input(integer("length", 1).range(1, 4096))
                                       .output("IMAGE")
                                       .run(image_batch_from_batch)};

const RegisterNode kRebatchImages{NodeType("RebatchImages")
                                      .label("Rebatch Images")
                                      .category("image/batch")
                                      .description("Cuts pictures into batches of another size.")
                                      .input(socket("images", "IMAGE"))
                                      .input(integer("batch_size", 1).range(1, 4096))
                                      .output_list("IMAGE")
                                      .inputs_as_lists()
                                      .run(image_batch_rebatch)};

const RegisterNode kGetImageSize{NodeType("GetImageSize")
                                     .label("Get Image Size")
                                     .category("image")
                                     .description("Width, height and number of pictures.")
                                     .input(socket("image", "IMAGE"))
                                     .hidden(Hidden::kUniqueId)
                                     .output("INT", "width")
                                     .output("INT", "height")
                                     .output("INT", "batch_size")
                                     .run(size)};

const RegisterNode kImageScaleToTotalPixels{
    NodeType("ImageScaleToTotalPixels")
        .label("Scale Image to Total Pixels")
        .category("image/upscaling")
        .description("Resizes pictures to so many million pixels.")
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
        .description("Resizes pictures so that the longer side has so many pixels.")
        .input(socket("image", "IMAGE"))
        .input(choice("upscale_method",
                      {"area", "lanczos", "bilinear", "nearest-exact", "bilinear", "bicubic"}))
        .input(integer("largest_size", 512).range(0, 16384).step(1))
        .output("IMAGE")
        .run(scale_to_largest)};

const RegisterNode kResizeAndPadImage{
    NodeType("ResizeAndPadImage")
        .label("Resize And Pad Image")
        .category("image/transform")
        .description("Fits pictures into a size and fills what is left over.")
        .input(socket("image", "IMAGE"))
        .input(integer("target_width", 512).range(1, 16384).step(1))
        .input(integer("target_height", 512).range(1, 16384).step(1))
        .input(choice("padding_color", {"white", "black"}))
        .input(choice("interpolation", {"area", "bicubic", "nearest-exact", "bilinear", "lanczos"}))
        .output("IMAGE")
        .run(resize_and_pad)};

const RegisterNode kImageStitch{
    NodeType("ImageStitch")
        .label("Image Stitch")
        .category("image/transform")
        .description("Puts two pictures side by side, or one below the other.")
        .input(socket("image1", "IMAGE"))
        .input(choice("direction", {"right", "down", "left", "up"}).default_value("right"))
        .input(toggle("match_image_size", true))
        .input(integer("spacing_width", 0).range(0, 1024).step(2))
        .input(choice("spacing_color", {"white", "black", "red", "green", "blue"})
                   .default_value("white"))
        .optional(socket("image2", "IMAGE"))
        .output("IMAGE")
        .run(stitch)};

const RegisterNode kImageCrop{NodeType("ImageCrop")
                                  .label("Image Crop")
                                  .category("image/transform")
                                  .description("Cuts a rectangle out of pictures.")
                                  .input(socket("image", "IMAGE"))
                                  .input(integer("width", 512).range(1, 16384).step(1))
                                  .input(integer("height", 512).range(1, 16384).step(1))
                                  .input(integer("x", 0).range(0, 16384).step(1))
                                  .input(integer("y", 0).range(0, 16384).step(1))
                                  .output("IMAGE")
                                  .run(image_batch_crop)};

const RegisterNode kImageRotate{
    NodeType("ImageRotate")
        .label("Image Rotate")
        .category("image/transform")
        .description("Turns pictures clockwise.")
        .input(socket("image", "IMAGE"))
        .input(choice("rotation", {"none", "90 degrees", "180 degrees", "270 degrees"}))
        .output("IMAGE")
        .run(image_batch_rotate)};

const RegisterNode kImageFlip{
    NodeType("ImageFlip")
        .label("Image Flip")
        .category("image/transform")
        .description("Mirrors pictures.")
        .input(socket("image", "IMAGE"))
        .input(choice("flip_method", {"x-axis: vertically", "y-axis: horizontally"}))
        .output("IMAGE")
        .run(image_batch_flip)};

}  // namespace
}  // namespace obscura::nodes
