// Masks made of colours, cut and put together; alpha channels; Porter and Duff's compositing.
#include <algorithm>
#include <cmath>

#include "graph/node_registry.h"
#include "image/channels.h"
#include "image/mask.h"
#include "nodes/sockets.h"
#include "tensor/resize.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> color_to_mask(NodeCall& call) {
  const Tensor image = image::with_channels(call.get<Image>("image").pixels, 3);
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

Result<NodeResult> mask_composite_crop(NodeCall& call) {
  const Tensor& mask = call.get<Mask>("mask").values;
  const Shape& s = mask.shape();
  const auto x = call.get<std::int64_t>("x"), y = call.get<std::int64_t>("y");
  if (x >= s[2] || y >= s[1]) {
    return Error(ErrorKind::kInvalidInput, "wanted a corner inside the mask of " +
                                               std::to_string(s[2]) + "x" + std::to_string(s[1]) +
                                               ", found " + std::to_string(x) + ", " +
                                               std::to_string(y));
  }
  const std::int64_t width = std::min(call.get<std::int64_t>("width"), s[2] - x);
  const std::int64_t height = std::min(call.get<std::int64_t>("height"), s[1] - y);
  Tensor result(Shape{s[0], height, width});
  for (std::int64_t row = 0; row < s[0] * height; ++row) {
    std::copy_n(mask.data() + (row / height * s[1] + y + row % height) * s[2] + x, width,
                result.data() + row * width);
  }
  return NodeResult{mask_value(std::move(result))};
}

float mask_composite_combined(const std::string& operation, float destination, float source) {
  if (operation == "multiply") return destination * source;
  if (operation == "add") return destination + source;
  if (operation == "subtract") return destination - source;
  bool a = std::nearbyint(destination) != 0, b = std::nearbyint(source) != 0;
  return operation == "and" ? a && b : operation == "or" ? a || b : a != b;
}

Result<NodeResult> composite_masks(NodeCall& call) {
  Tensor result = call.get<Mask>("destination").values.clone();
  const Tensor& source = call.get<Mask>("source").values;
  const Shape &d = result.shape(), &s = source.shape();
  const auto left = call.get<std::int64_t>("x"), top = call.get<std::int64_t>("y");
  const auto& operation = call.get<std::string>("operation");
  for (std::int64_t b = 0; b < d[0]; ++b) {
    for (std::int64_t y = 0; y < std::min(s[1], d[1] - top); ++y) {
      for (std::int64_t x = 0; x < std::min(s[2], d[2] - left); ++x) {
        float& target = result.data()[(b * d[1] + top + y) * d[2] + left + x];
        target = mask_composite_combined(operation, target,
                                         source.data()[((b % s[0]) * s[1] + y) * s[2] + x]);
      }
    }
  }
  for (float& value : result.values()) value = std::clamp(value, 0.0f, 1.0f);
  return NodeResult{mask_value(std::move(result))};
}

Result<NodeResult> threshold(NodeCall& call) {
  Tensor mask = call.get<Mask>("mask").values.clone();
  const auto limit = static_cast<float>(call.get<double>("value"));
  for (float& value : mask.values()) value = value > limit ? 1 : 0;
  return NodeResult{mask_value(std::move(mask))};
}

Result<NodeResult> split_alpha(NodeCall& call) {
  const Tensor& image = call.get<Image>("image").pixels;
  const Shape& s = image.shape();
  Tensor mask(Shape{s[0], s[1], s[2]});
  if (s[3] > 3) {
    for (std::int64_t i = 0; i < mask.elements(); ++i)
      mask.data()[i] = 1 - image.data()[i * s[3] + 3];
  }
  return NodeResult{image_value(image::with_channels(image, 3)), mask_value(std::move(mask))};
}

Result<NodeResult> join_alpha(NodeCall& call) {
  const Tensor& image = call.get<Image>("image").pixels;
  const Shape& s = image.shape();
  const Tensor mask = image::resize_mask(call.get<Mask>("alpha").values, s[1], s[2]);
  const std::int64_t count = std::min(s[0], mask.shape()[0]);
  Tensor result = image::with_channels(image::with_channels(image, 3), 4).slice(0, count);
  for (std::int64_t i = 0; i < count * s[1] * s[2]; ++i)
    result.data()[i * 4 + 3] = 1 - mask.data()[i];
  return NodeResult{image_value(std::move(result))};
}

// A pixel of a layer, its colour already multiplied by its alpha.
struct Layer {
  float colour, alpha;
};

using Rule = Layer (*)(Layer source, Layer destination);

float united(Layer s, Layer d) {
  return s.alpha + d.alpha - s.alpha * d.alpha;
}

// What is seen of either where the other does not cover it.
float uncovered(Layer s, Layer d) {
  return (1 - d.alpha) * s.colour + (1 - s.alpha) * d.colour;
}

// Porter and Duff, "Compositing digital images", 1984, and the blend modes of its successors.
Rule rule_of(const std::string& mode) {
  using L = Layer;
  static const std::pair<std::string_view, Rule> kRules[] = {
      {"ADD",
       [](L s, L d) {
         return L{std::clamp(s.colour + d.colour, 0.0f, 1.0f),
                  std::clamp(s.alpha + d.alpha, 0.0f, 1.0f)};
       }},
      {"CLEAR",
       [](L, L) {
         return L{0, 0};
       }},
      {"DARKEN",
       [](L s, L d) {
         return L{uncovered(s, d) + std::min(s.colour, d.colour), united(s, d)};
       }},
      {"DST", [](L, L d) { return d; }},
      {"DST_ATOP",
       [](L s, L d) {
         return L{s.alpha * d.colour + (1 - d.alpha) * s.colour, s.alpha};
       }},
      {"DST_IN",
       [](L s, L d) {
         return L{d.colour * s.alpha, s.alpha * d.alpha};
       }},
      {"DST_OUT",
       [](L s, L d) {
         return L{(1 - s.alpha) * d.colour, (1 - s.alpha) * d.alpha};
       }},
      {"DST_OVER",
       [](L s, L d) {
         return L{d.colour + (1 - d.alpha) * s.colour, d.alpha + (1 - d.alpha) * s.alpha};
       }},
      {"LIGHTEN",
       [](L s, L d) {
         return L{uncovered(s, d) + std::max(s.colour, d.colour), united(s, d)};
       }},
      {"MULTIPLY",
       [](L s, L d) {
         return L{s.colour * d.colour, s.alpha * d.alpha};
       }},
      {"OVERLAY",
       [](L s, L d) {
         float colour = 2 * d.colour < d.alpha
                            ? 2 * s.colour * d.colour
                            : s.alpha * d.alpha - 2 * (d.alpha - s.colour) * (s.alpha - d.colour);
         return L{colour, united(s, d)};
       }},
      {"SCREEN",
       [](L s, L d) {
         return L{s.colour + d.colour - s.colour * d.colour, united(s, d)};
       }},
      {"SRC", [](L s, L) { return s; }},
      {"SRC_ATOP",
       [](L s, L d) {
         return L{d.alpha * s.colour + (1 - s.alpha) * d.colour, d.alpha};
       }},
      {"SRC_IN",
       [](L s, L d) {
         return L{s.colour * d.alpha, s.alpha * d.alpha};
       }},
      {"SRC_OUT",
       [](L s, L d) {
         return L{(1 - d.alpha) * s.colour, (1 - d.alpha) * s.alpha};
       }},
      {"SRC_OVER",
       [](L s, L d) {
         return L{s.colour + (1 - s.alpha) * d.colour, s.alpha + (1 - s.alpha) * d.alpha};
       }},
      {"XOR",
       [](L s, L d) {
         return L{uncovered(s, d), (1 - d.alpha) * s.alpha + (1 - s.alpha) * d.alpha};
       }},
  };
  for (const auto& [name, rule] : kRules)
    if (name == mode) return rule;
  return kRules[3].second;
}

// A mask (B, H, W) at a picture's size, as ComfyUI's bicubic resizing with a centred crop.
Tensor mask_like(const Tensor& mask, const Shape& picture) {
  const Shape& s = mask.shape();
  if (s[1] == picture[1] && s[2] == picture[2]) return mask;
  return resize(mask.reshaped({s[0], 1, s[1], s[2]}), picture[2], picture[1],
                ResizeMethod::kBicubic, ResizeCrop::kCenter)
      .reshaped({s[0], picture[1], picture[2]});
}

Result<NodeResult> porter_duff(NodeCall& call) {
  const Tensor& destination = call.get<Image>("destination").pixels;
  const Shape& d = destination.shape();
  Tensor source = image::with_channels(call.get<Image>("source").pixels, d[3]);
  if (source.shape()[1] != d[1] || source.shape()[2] != d[2])
    source = resize_image(source, d[2], d[1], ResizeMethod::kBicubic, ResizeCrop::kCenter);
  const Tensor over = mask_like(call.get<Mask>("source_alpha").values, d);
  const Tensor under = mask_like(call.get<Mask>("destination_alpha").values, d);
  const std::int64_t count = std::min({source.shape()[0], d[0], over.shape()[0], under.shape()[0]});
  const Rule rule = rule_of(call.get<std::string>("mode"));
  Tensor image(Shape{count, d[1], d[2], d[3]}), alpha(Shape{count, d[1], d[2]});
  for (std::int64_t i = 0; i < image.elements(); ++i) {
    const std::int64_t pixel = i / d[3];
    const float a = 1 - over.data()[pixel], b = 1 - under.data()[pixel];
    Layer result = rule({source.data()[i] * a, a}, {destination.data()[i] * b, b});
    image.data()[i] =
        result.alpha > 1e-5f ? std::clamp(result.colour / result.alpha, 0.0f, 1.0f) : 0;
    alpha.data()[pixel] = 1 - result.alpha;
  }
  return NodeResult{image_value(std::move(image)), mask_value(std::move(alpha))};
}

const RegisterNode kImageColorToMask{NodeType("ImageColorToMask")
                                         .label("ImageColorToMask")
                                         .category("mask")
                                         .description("Masks the pixels of one colour.")
                                         .input(socket("image", "IMAGE"))
                                         .input(integer("color", 0).range(0, 16777215).step(1))
                                         .output("MASK")
                                         .run(color_to_mask)};

const RegisterNode kCropMask{NodeType("CropMask")
                                 .label("CropMask")
                                 .category("mask")
                                 .description("Cuts a rectangle out of a mask.")
                                 .input(socket("mask", "MASK"))
                                 .input(integer("x", 0).range(0, 16384).step(1))
                                 .input(integer("y", 0).range(0, 16384).step(1))
                                 .input(integer("width", 512).range(1, 16384).step(1))
                                 .input(integer("height", 512).range(1, 16384).step(1))
                                 .output("MASK")
                                 .run(mask_composite_crop)};

const RegisterNode kMaskComposite{
    NodeType("MaskComposite")
        .label("MaskComposite")
        .category("mask")
        .description("Combines two masks.")
        .input(socket("destination", "MASK"))
        .input(socket("source", "MASK"))
        .input(integer("x", 0).range(0, 16384).step(1))
        .input(integer("y", 0).range(0, 16384).step(1))
        .input(choice("operation", {"multiply", "add", "subtract", "and", "or", "xor"}))
        .output("MASK")
        .run(composite_masks)};

const RegisterNode kThresholdMask{
    NodeType("ThresholdMask")
        .label("ThresholdMask")
        .category("mask")
        .description(
            "Makes a mask hard: what is above the value counts wholly, the rest not at all.")
        .input(socket("mask", "MASK"))
        .input(number("value", 0.5).range(0.0, 1.0).step(0.01))
        .output("MASK")
        .run(threshold)};

const RegisterNode kSplitImageWithAlpha{
    NodeType("SplitImageWithAlpha")
        .label("Split Image with Alpha")
        .category("mask/compositing")
        .description("Takes the alpha channel off a picture; the mask is where it is transparent.")
        .input(socket("image", "IMAGE"))
        .output("IMAGE")
        .output("MASK")
        .run(split_alpha)};

const RegisterNode kJoinImageWithAlpha{
    NodeType("JoinImageWithAlpha")
        .label("Join Image with Alpha")
        .category("mask/compositing")
        .description("Makes a picture transparent where the mask says.")
        .input(socket("image", "IMAGE"))
        .input(socket("alpha", "MASK"))
        .output("IMAGE")
        .run(join_alpha)};

const RegisterNode kPorterDuffImageComposite{
    NodeType("PorterDuffImageComposite")
        .label("Porter-Duff Image Composite")
        .category("mask/compositing")
        .description("Lays one picture over another by one of Porter and Duff's rules; the masks "
                     "are where they are transparent.")
        .input(socket("source", "IMAGE"))
        .input(socket("source_alpha", "MASK"))
        .input(socket("destination", "IMAGE"))
        .input(socket("destination_alpha", "MASK"))
        .input(choice("mode", {"ADD", "CLEAR", "DARKEN", "DST", "DST_ATOP", "DST_IN", "DST_OUT",
                               "DST_OVER", "LIGHTEN", "MULTIPLY", "OVERLAY", "SCREEN", "SRC",
                               "SRC_ATOP", "SRC_IN", "SRC_OUT", "SRC_OVER", "XOR"})
                   .default_value("DST"))
        .output("IMAGE")
        .output("MASK")
        .run(porter_duff)};

}  // namespace
}  // namespace obscura::nodes
