#include <algorithm>

#include "graph/node_registry.h"
#include "image/channels.h"
#include "nodes/host_memory.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

struct OutpaintMargins {
  std::int64_t left, top, right, bottom;
};

// How much of an old pixel is to change: falling with the square of its distance from a side that
// grew.
float softened(const OutpaintMargins& by, std::int64_t feathering, std::int64_t y, std::int64_t x,
               std::int64_t height, std::int64_t width) {
  std::int64_t distance = std::min({by.top != 0 ? y : height, by.bottom != 0 ? height - y : height,
                                    by.left != 0 ? x : width, by.right != 0 ? width - x : width});
  if (distance >= feathering) return 0;
  float rate = static_cast<float>(feathering - distance) / static_cast<float>(feathering);
  return rate * rate;
}

Result<NodeResult> run_image_pad_for_outpaint(NodeCall& call) {
  const Tensor& image = pixels_of(call);
  const Shape& s = image.shape();
  const OutpaintMargins by{call.get<std::int64_t>("left"), call.get<std::int64_t>("top"),
                           call.get<std::int64_t>("right"), call.get<std::int64_t>("bottom")};
  const std::int64_t height = s[1] + by.top + by.bottom, width = s[2] + by.left + by.right;
  OBSCURA_TRY(check_fits(call, "an image", {s[0], height, width, s[3]}));
  Tensor padded = Tensor::filled({s[0], height, width, s[3]}, 0.5f);
  image::paste(image, padded, by.left, by.top);
  Tensor mask = Tensor::filled({1, height, width}, 1);
  const auto feathering = call.get<std::int64_t>("feathering");
  const bool soft = feathering > 0 && feathering * 2 < s[1] && feathering * 2 < s[2];
  for (std::int64_t y = 0; y < s[1]; ++y) {
    for (std::int64_t x = 0; x < s[2]; ++x) {
      mask.data()[(by.top + y) * width + by.left + x] =
          soft ? softened(by, feathering, y, x, s[1], s[2]) : 0;
    }
  }
  return NodeResult{image_value(std::move(padded)), mask_value(std::move(mask))};
}

InputSpec margin(const char* name) {
  return integer(name, 0).range(0, 16384).step(8).tooltip("Pixels to add on this side.");
}

const RegisterNode kImagePadForOutpaint{
    NodeType("ImagePadForOutpaint")
        .label("Pad Image for Outpainting")
        .category("image")
        .description("Makes room around an image, and the mask of what is to be painted there.")
        .input(socket("image", "IMAGE"))
        .input(margin("left"))
        .input(margin("top"))
        .input(margin("right"))
        .input(margin("bottom"))
        .input(integer("feathering", 40)
                   .range(0, 16384)
                   .step(1)
                   .tooltip("Pixels of the image over which old and new blend."))
        .output("IMAGE")
        .output("MASK")
        .run(run_image_pad_for_outpaint)};

}  // namespace
}  // namespace obscura::nodes
