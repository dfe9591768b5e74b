// SplitImageWithAlpha and JoinImageWithAlpha.
#include <algorithm>

#include "graph/node_registry.h"
#include "image/channels.h"
#include "image/mask.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> split_alpha(NodeCall& call) {
  const Tensor& image = pixels_of(call);
  const Shape& s = image.shape();
  Tensor mask =
      s[3] > 3 ? image::inverted(image::channel(image, 3)) : Tensor(Shape{s[0], s[1], s[2]});
  return NodeResult{image_value(image::with_channels(image, 3)), mask_value(std::move(mask))};
}

Result<NodeResult> join_alpha(NodeCall& call) {
  const Tensor& image = pixels_of(call);
  const Shape& s = image.shape();
  const Tensor mask = image::resize_mask(mask_of(call, "alpha"), s[1], s[2]);
  const std::int64_t count = std::min(s[0], mask.shape()[0]);
  Tensor result = image::with_channels(image::with_channels(image, 3), 4).slice(0, count);
  for (std::int64_t i = 0; i < count * s[1] * s[2]; ++i)
    result.data()[i * 4 + 3] = 1 - mask.data()[i];
  return NodeResult{image_value(std::move(result))};
}

const RegisterNode kSplitImageWithAlpha{
    NodeType("SplitImageWithAlpha")
        .label("Split Image with Alpha")
        .category("mask/compositing")
        .description("Takes the alpha channel off an image; the mask is where it is transparent.")
        .input(socket("image", "IMAGE"))
        .output("IMAGE")
        .output("MASK")
        .run(split_alpha)};

const RegisterNode kJoinImageWithAlpha{
    NodeType("JoinImageWithAlpha")
        .label("Join Image with Alpha")
        .category("mask/compositing")
        .description("Makes an image transparent where the mask says.")
        .input(socket("image", "IMAGE"))
        .input(socket("alpha", "MASK"))
        .output("IMAGE")
        .run(join_alpha)};

}  // namespace
}  // namespace obscura::nodes
