// ImageRGBToYUV and ImageYUVToRGB.
#include "image/yuv.h"
#include "graph/node_registry.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> rgb_to_yuv(NodeCall& call) {
  auto [y, u, v] = image::to_yuv(pixels_of(call));
  return NodeResult{image_value(std::move(y)), image_value(std::move(u)),
                    image_value(std::move(v))};
}

Result<NodeResult> yuv_to_rgb(NodeCall& call) {
  const Tensor &y = pixels_of(call, "Y"), &u = pixels_of(call, "U"), &v = pixels_of(call, "V");
  const Shape& s = y.shape();
  for (const Tensor* part : {&u, &v}) {
    const Shape& p = part->shape();
    if (p[0] == s[0] && p[1] == s[1] && p[2] == s[2]) continue;
    return Error(ErrorKind::kInvalidInput,
                 "wanted Y, U and V of one size, found " + s.text() + " and " + p.text());
  }
  return NodeResult{image_value(image::from_yuv(y, u, v))};
}

const RegisterNode kImageRGBToYUV{
    NodeType("ImageRGBToYUV")
        .label("ImageRGBToYUV")
        .category("image/batch")
        .description("Takes images apart into brightness and two differences of colour.")
        .input(socket("image", "IMAGE"))
        .output("IMAGE", "Y")
        .output("IMAGE", "U")
        .output("IMAGE", "V")
        .run(rgb_to_yuv)};

const RegisterNode kImageYUVToRGB{
    NodeType("ImageYUVToRGB")
        .label("ImageYUVToRGB")
        .category("image/batch")
        .description("Puts brightness and two differences of colour together again.")
        .input(socket("Y", "IMAGE"))
        .input(socket("U", "IMAGE"))
        .input(socket("V", "IMAGE"))
        .output("IMAGE")
        .run(yuv_to_rgb)};

}  // namespace
}  // namespace obscura::nodes
