// LatentUpscale and LatentUpscaleBy.
#include <algorithm>
#include <cmath>

#include "graph/node_registry.h"
#include "nodes/host_memory.h"
#include "nodes/image/target_size.h"
#include "nodes/sockets.h"
#include "tensor/resize.h"

namespace obscura::nodes {
namespace {

using namespace graph;

constexpr std::int64_t kSmallestSide = 64;

Result<NodeResult> latent_upscale_resized(const NodeCall& call, image::Size size, ResizeCrop crop) {
  pipeline::Latent latent = call.get<pipeline::Latent>("samples");
  const Shape& s = latent.samples.shape();
  OBSCURA_TRY(check_target(call, "latent pixels", s[0] * s[1], size));
  latent.samples = resize(latent.samples, size.width, size.height,
                          *resize_method_from_name(call.get<std::string>("upscale_method")), crop);
  return NodeResult{latent_value(std::move(latent))};
}

Result<NodeResult> upscale(NodeCall& call) {
  const Shape& s = call.get<pipeline::Latent>("samples").samples.shape();
  image::Size size{call.get<std::int64_t>("width"), call.get<std::int64_t>("height")};
  if (size.width == 0 && size.height == 0) return NodeResult{call.value("samples")};
  size = image::completed(size, {s[3], s[2]}, kSmallestSide);
  return latent_upscale_resized(call,
                                {size.width / kPixelsOfALatent, size.height / kPixelsOfALatent},
                                crop_of(call.get<std::string>("crop")));
}

Result<NodeResult> upscale_by(NodeCall& call) {
  const Shape& s = call.get<pipeline::Latent>("samples").samples.shape();
  return latent_upscale_resized(call, image::scaled({s[3], s[2]}, call.get<double>("scale_by")),
                                ResizeCrop::kDisabled);
}

InputSpec latent_upscale_method() {
  return choice("upscale_method", {"nearest-exact", "bilinear", "area", "bicubic", "bislerp"});
}

const RegisterNode kUpscale{
    NodeType("LatentUpscale")
        .label("Upscale Latent")
        .category("latent")
        .description("Resizes latents. A side of 0 follows from the other; both 0 change nothing.")
        .input(socket("samples", "LATENT"))
        .input(latent_upscale_method())
        .input(integer("width", 512).range(0, 16384).step(8).tooltip("Of the image, in pixels."))
        .input(integer("height", 512).range(0, 16384).step(8).tooltip("Of the image, in pixels."))
        .input(choice("crop", {"disabled", "center"}))
        .output("LATENT")
        .run(upscale)};

const RegisterNode kUpscaleBy{NodeType("LatentUpscaleBy")
                                  .label("Upscale Latent By")
                                  .category("latent")
                                  .description("Resizes latents by a factor.")
                                  .input(socket("samples", "LATENT"))
                                  .input(latent_upscale_method())
                                  .input(number("scale_by", 1.5).range(0.01, 8.0).step(0.01))
                                  .output("LATENT")
                                  .run(upscale_by)};

}  // namespace
}  // namespace obscura::nodes
