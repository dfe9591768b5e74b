// Latents turned, mirrored and cut.
#include <algorithm>

#include "graph/node_registry.h"
#include "image/raster.h"
#include "nodes/latent/latent_with.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::Latent;

Result<NodeResult> latent_rotate(NodeCall& call) {
  const auto& latent = call.get<Latent>("samples");
  return latent_with(
      latent,
      image::rotated(latent.samples, image::quarter_turns(call.get<std::string>("rotation"))));
}

Result<NodeResult> latent_flip(NodeCall& call) {
  const auto& latent = call.get<Latent>("samples");
  return latent_with(
      latent,
      image::flipped(latent.samples, image::is_upside_down(call.get<std::string>("flip_method"))));
}

// At least 8 latent pixels of each side stay, where there are so many.
Result<NodeResult> latent_crop(NodeCall& call) {
  const auto& latent = call.get<Latent>("samples");
  const Shape& s = latent.samples.shape();
  auto corner = [&](const char* input, std::int64_t size) {
    return std::clamp<std::int64_t>(call.get<std::int64_t>(input) / kPixelsOfALatent, 0,
                                    std::max<std::int64_t>(0, size - 8));
  };
  return latent_with(latent, image::cropped(latent.samples, corner("x", s[3]), corner("y", s[2]),
                                            call.get<std::int64_t>("width") / kPixelsOfALatent,
                                            call.get<std::int64_t>("height") / kPixelsOfALatent));
}

const RegisterNode kLatentRotate{
    NodeType("LatentRotate")
        .label("Rotate Latent")
        .category("latent/transform")
        .description("Turns latents clockwise.")
        .input(socket("samples", "LATENT"))
        .input(choice("rotation", {"none", "90 degrees", "180 degrees", "270 degrees"}))
        .output("LATENT")
        .run(latent_rotate)};

const RegisterNode kLatentFlip{
    NodeType("LatentFlip")
        .label("Flip Latent")
        .category("latent/transform")
        .description("Mirrors latents.")
        .input(socket("samples", "LATENT"))
        .input(choice("flip_method", {"x-axis: vertically", "y-axis: horizontally"}))
        .output("LATENT")
        .run(latent_flip)};

const RegisterNode kLatentCrop{NodeType("LatentCrop")
                                   .label("Crop Latent")
                                   .category("latent/transform")
                                   .description("Cuts a rectangle out of latents.")
                                   .input(socket("samples", "LATENT"))
                                   .input(integer("width", 512).range(64, 16384).step(8))
                                   .input(integer("height", 512).range(64, 16384).step(8))
                                   .input(integer("x", 0).range(0, 16384).step(8))
                                   .input(integer("y", 0).range(0, 16384).step(8))
                                   .output("LATENT")
                                   .run(latent_crop)};

}  // namespace
}  // namespace obscura::nodes
