// SolidMask, InvertMask and ThresholdMask.
#include "graph/node_registry.h"
#include "image/channels.h"
#include "nodes/host_memory.h"
#include "nodes/mask/mask_node.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> solid_mask(NodeCall& call) {
  const auto height = call.get<std::int64_t>("height"), width = call.get<std::int64_t>("width");
  OBSCURA_TRY(check_fits(call, "a mask", {height, width}));
  return NodeResult{mask_value(
      Tensor::filled({1, height, width}, static_cast<float>(call.get<double>("value"))))};
}

Result<NodeResult> invert_mask(NodeCall& call) {
  return NodeResult{mask_value(image::inverted(mask_of(call)))};
}

Result<NodeResult> threshold_mask(NodeCall& call) {
  Tensor mask = mask_of(call).clone();
  const auto limit = static_cast<float>(call.get<double>("value"));
  for (float& value : mask.values()) value = value > limit ? 1 : 0;
  return NodeResult{mask_value(std::move(mask))};
}

const RegisterNode kSolidMask{mask_node("SolidMask", "SolidMask", "A mask of one value.")
                                  .input(number("value", 1.0).range(0, 1).step(0.01))
                                  .input(integer("width", 512).range(1, 16384).step(1))
                                  .input(integer("height", 512).range(1, 16384).step(1))
                                  .output("MASK")
                                  .run(solid_mask)};

const RegisterNode kInvertMask{mask_node("InvertMask", "InvertMask", "Turns a mask inside out.")
                                   .input(socket("mask", "MASK"))
                                   .output("MASK")
                                   .run(invert_mask)};

const RegisterNode kThresholdMask{
    mask_node("ThresholdMask", "ThresholdMask",
              "Makes a mask hard: what is above the value counts wholly, the rest not at all.")
        .input(socket("mask", "MASK"))
        .input(number("value", 0.5).range(0.0, 1.0).step(0.01))
        .output("MASK")
        .run(threshold_mask)};

}  // namespace
}  // namespace obscura::nodes
