// ImageBlur and ImageSharpen.
#include "graph/node_registry.h"
#include "image/convolution.h"
#include "nodes/image/clipped.h"
#include "nodes/sockets.h"
#include "tensor/resize.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<Tensor> filtered(const NodeCall& call, const char* radius_input, double alpha) {
  const Tensor& image = pixels_of(call);
  const auto radius = call.get<std::int64_t>(radius_input);
  const Shape& s = image.shape();
  if (radius >= s[1] || radius >= s[2]) {
    return Error(ErrorKind::kInvalidInput, std::string("input \"") + radius_input +
                                               "\": wanted less than the image's sides, found " +
                                               std::to_string(radius) + " for an image of " +
                                               std::to_string(s[2]) + "x" + std::to_string(s[1]));
  }
  const auto sigma = call.get<double>("sigma");
  return image_of_planes(image::convolved(planes_of_image(image),
                                          alpha == 0
                                              ? image::gaussian_kernel(radius, sigma)
                                              : image::sharpening_kernel(radius, sigma, alpha),
                                          radius));
}

Result<NodeResult> image_blur(NodeCall& call) {
  OBSCURA_ASSIGN(Tensor blurred, filtered(call, "blur_radius", 0));
  return NodeResult{image_value(std::move(blurred))};
}

Result<NodeResult> image_sharpen(NodeCall& call) {
  const auto alpha = call.get<double>("alpha");
  if (alpha == 0) return NodeResult{call.value("image")};
  OBSCURA_ASSIGN(Tensor sharpened, filtered(call, "sharpen_radius", alpha));
  return clipped(std::move(sharpened));
}

const RegisterNode kImageBlur{NodeType("ImageBlur")
                                  .label("Image Blur")
                                  .category("image/postprocessing")
                                  .description("Blurs images.")
                                  .input(socket("image", "IMAGE"))
                                  .input(integer("blur_radius", 1).range(1, 31).step(1))
                                  .input(number("sigma", 1.0).range(0.1, 10.0).step(0.1))
                                  .output("IMAGE")
                                  .run(image_blur)};

const RegisterNode kImageSharpen{NodeType("ImageSharpen")
                                     .label("Image Sharpen")
                                     .category("image/postprocessing")
                                     .description("Sharpens images.")
                                     .input(socket("image", "IMAGE"))
                                     .input(integer("sharpen_radius", 1).range(1, 31).step(1))
                                     .input(number("sigma", 1.0).range(0.1, 10.0).step(0.01))
                                     .input(number("alpha", 1.0).range(0.0, 5.0).step(0.01))
                                     .output("IMAGE")
                                     .run(image_sharpen)};

}  // namespace
}  // namespace obscura::nodes
