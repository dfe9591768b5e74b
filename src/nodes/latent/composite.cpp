// Latents laid over one another.
#include "graph/node_registry.h"
#include "image/mask.h"
#include "image/raster.h"
#include "nodes/latent/latent_with.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::Latent;

// Weights of a rectangle that fades in over `feather` pixels at the sides that lie inside.
Tensor feathered(std::int64_t height, std::int64_t width, std::int64_t feather, bool top,
                 bool bottom, bool left, bool right) {
  Tensor mask = Tensor::filled({1, height, width}, 1);
  for (std::int64_t i = 0; i < mask.elements(); ++i) {
    std::int64_t y = i / width, x = i % width;
    if (top) mask.data()[i] *= image::faded(y, feather);
    if (bottom) mask.data()[i] *= image::faded(height - 1 - y, feather);
    if (left) mask.data()[i] *= image::faded(x, feather);
    if (right) mask.data()[i] *= image::faded(width - 1 - x, feather);
  }
  return mask;
}

Status check_equal_channels(const Tensor& destination, const Tensor& source) {
  if (destination.shape()[1] == source.shape()[1]) return {};
  return Error(ErrorKind::kInvalidInput, "wanted latents of equally many channels, found " +
                                             destination.shape().text() + " and " +
                                             source.shape().text());
}

Result<NodeResult> latent_composite(NodeCall& call) {
  const auto& to = call.get<Latent>("samples_to");
  const Tensor& from = call.get<Latent>("samples_from").samples;
  OBSCURA_TRY(check_equal_channels(to.samples, from));
  const Shape& d = to.samples.shape();
  const image::Placement place{.x = call.get<std::int64_t>("x") / kPixelsOfALatent,
                               .y = call.get<std::int64_t>("y") / kPixelsOfALatent};
  if (place.x >= d[3] || place.y >= d[2]) return latent_with(to, to.samples);
  Tensor source = image::cropped(from, 0, 0, d[3] - place.x, d[2] - place.y);
  const Shape& s = source.shape();
  Tensor mask = feathered(s[2], s[3], call.get<std::int64_t>("feather") / kPixelsOfALatent,
                          place.y != 0, place.y + s[2] < d[2], place.x != 0, place.x + s[3] < d[3]);
  return latent_with(to, image::composite(to.samples, source, mask, place));
}

Result<NodeResult> latent_composite_masked(NodeCall& call) {
  const auto& destination = call.get<Latent>("destination");
  const auto& source = call.get<Latent>("source");
  OBSCURA_TRY(check_equal_channels(destination.samples, source.samples));
  const auto* mask = call.find<Mask>("mask");
  return latent_with(
      destination,
      image::composite(destination.samples, source.samples, mask ? mask->values : Tensor(),
                       {.x = call.get<std::int64_t>("x") / kPixelsOfALatent,
                        .y = call.get<std::int64_t>("y") / kPixelsOfALatent,
                        .resize = call.get<bool>("resize_source")}));
}

const RegisterNode kLatentComposite{NodeType("LatentComposite")
                                        .label("Latent Composite")
                                        .category("latent")
                                        .description("Lays one latent over another.")
                                        .input(socket("samples_to", "LATENT"))
                                        .input(socket("samples_from", "LATENT"))
                                        .input(integer("x", 0).range(0, 16384).step(8))
                                        .input(integer("y", 0).range(0, 16384).step(8))
                                        .input(integer("feather", 0).range(0, 16384).step(8))
                                        .output("LATENT")
                                        .run(latent_composite)};

const RegisterNode kLatentCompositeMasked{
    NodeType("LatentCompositeMasked")
        .label("LatentCompositeMasked")
        .category("latent")
        .description("Lays one latent over another where a mask says.")
        .input(socket("destination", "LATENT"))
        .input(socket("source", "LATENT"))
        .input(integer("x", 0).range(0, 16384).step(8))
        .input(integer("y", 0).range(0, 16384).step(8))
        .input(toggle("resize_source", false))
        .optional(socket("mask", "MASK"))
        .output("LATENT")
        .run(latent_composite_masked)};

}  // namespace
}  // namespace obscura::nodes
