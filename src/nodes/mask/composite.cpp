// CropMask and MaskComposite.
#include <algorithm>
#include <cmath>

#include "graph/node_registry.h"
#include "image/raster.h"
#include "nodes/mask/mask_node.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> crop_mask(NodeCall& call) {
  const Tensor& mask = mask_of(call);
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
  return NodeResult{mask_value(image::narrowed(image::narrowed(mask, 1, y, height), 2, x, width))};
}

float combined_mask_value(const std::string& operation, float destination, float source) {
  if (operation == "multiply") return destination * source;
  if (operation == "add") return destination + source;
  if (operation == "subtract") return destination - source;
  bool a = std::nearbyint(destination) != 0, b = std::nearbyint(source) != 0;
  return operation == "and" ? a && b : operation == "or" ? a || b : a != b;
}

Result<NodeResult> composite_masks(NodeCall& call) {
  Tensor result = mask_of(call, "destination").clone();
  const Tensor& source = mask_of(call, "source");
  const Shape &d = result.shape(), &s = source.shape();
  const auto left = call.get<std::int64_t>("x"), top = call.get<std::int64_t>("y");
  const auto& operation = call.get<std::string>("operation");
  for (std::int64_t b = 0; b < d[0]; ++b) {
    for (std::int64_t y = 0; y < std::min(s[1], d[1] - top); ++y) {
      for (std::int64_t x = 0; x < std::min(s[2], d[2] - left); ++x) {
        float& target = result.data()[(b * d[1] + top + y) * d[2] + left + x];
        target = combined_mask_value(operation, target,
                                     source.data()[((b % s[0]) * s[1] + y) * s[2] + x]);
      }
    }
  }
  for (float& value : result.values()) value = std::clamp(value, 0.0f, 1.0f);
  return NodeResult{mask_value(std::move(result))};
}

const RegisterNode kCropMask{mask_node("CropMask", "CropMask", "Cuts a rectangle out of a mask.")
                                 .input(socket("mask", "MASK"))
                                 .input(integer("x", 0).range(0, 16384).step(1))
                                 .input(integer("y", 0).range(0, 16384).step(1))
                                 .input(integer("width", 512).range(1, 16384).step(1))
                                 .input(integer("height", 512).range(1, 16384).step(1))
                                 .output("MASK")
                                 .run(crop_mask)};

const RegisterNode kMaskComposite{
    mask_node("MaskComposite", "MaskComposite", "Combines two masks.")
        .input(socket("destination", "MASK"))
        .input(socket("source", "MASK"))
        .input(integer("x", 0).range(0, 16384).step(1))
        .input(integer("y", 0).range(0, 16384).step(1))
        .input(choice("operation", {"multiply", "add", "subtract", "and", "or", "xor"}))
        .output("MASK")
        .run(composite_masks)};

}  // namespace
}  // namespace obscura::nodes
