// GrowMask and FeatherMask.
#include <algorithm>

#include "graph/node_registry.h"
#include "image/mask.h"
#include "nodes/mask/mask_node.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> grow_mask(NodeCall& call) {
  OBSCURA_ASSIGN(Tensor grown, image::grow(mask_of(call), call.get<std::int64_t>("expand"),
                                           call.get<bool>("tapered_corners"), call.cancel_token()));
  return NodeResult{mask_value(std::move(grown))};
}

Result<NodeResult> feather_mask(NodeCall& call) {
  Tensor mask = mask_of(call).clone();
  const Shape& s = mask.shape();
  const auto width_at = [&](const char* side, std::int64_t most) {
    return std::min(most, call.get<std::int64_t>(side));
  };
  const std::int64_t left = width_at("left", s[2]), right = width_at("right", s[2]);
  const std::int64_t top = width_at("top", s[1]), bottom = width_at("bottom", s[1]);
  for (std::int64_t i = 0; i < mask.elements(); ++i) {
    std::int64_t x = i % s[2], y = i / s[2] % s[1];
    mask.data()[i] *= image::faded(x, left) * image::faded(s[2] - 1 - x, right) *
                      image::faded(y, top) * image::faded(s[1] - 1 - y, bottom);
  }
  return NodeResult{mask_value(std::move(mask))};
}

InputSpec fading_side(const char* name) {
  return integer(name, 0).range(0, 16384).step(1).tooltip("Pixels over which this side fades.");
}

const RegisterNode kGrowMask{
    mask_node("GrowMask", "Grow Mask", "Makes the masked part larger, or smaller.")
        .input(socket("mask", "MASK"))
        .input(integer("expand", 0)
                   .range(-16384, 16384)
                   .step(1)
                   .tooltip("Pixels; below 0 the masked part shrinks."))
        .input(toggle("tapered_corners", true).tooltip("Slants corners instead of keeping them."))
        .output("MASK")
        .run(grow_mask)};

const RegisterNode kFeatherMask{
    mask_node("FeatherMask", "FeatherMask", "Fades a mask towards its sides.")
        .input(socket("mask", "MASK"))
        .input(fading_side("left"))
        .input(fading_side("top"))
        .input(fading_side("right"))
        .input(fading_side("bottom"))
        .output("MASK")
        .run(feather_mask)};

}  // namespace
}  // namespace obscura::nodes
