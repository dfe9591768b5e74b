#include "graph/node_registry.h"
#include "nodes/image/clipped.h"
#include "nodes/sockets.h"
#include "tensor/random.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> image_add_noise(NodeCall& call) {
  Tensor image = pixels_of(call).clone();
  TorchGenerator generator(call.get<std::uint64_t>("seed"));
  Tensor noise = generator.randn(image.shape());
  const auto strength = static_cast<float>(call.get<double>("strength"));
  for (std::int64_t i = 0; i < image.elements(); ++i) image.data()[i] += strength * noise.data()[i];
  return clipped(std::move(image));
}

const RegisterNode kImageAddNoise{
    NodeType("ImageAddNoise")
        .label("Add Noise to Image")
        .category("image")
        .description("Adds noise to images.")
        .input(socket("image", "IMAGE"))
        .input(integer("seed", 0).range(0, kMaxSeed).control_after_generate())
        .input(number("strength", 0.5).range(0.0, 1.0).step(0.01))
        .output("IMAGE")
        .run(image_add_noise)};

}  // namespace
}  // namespace obscura::nodes
