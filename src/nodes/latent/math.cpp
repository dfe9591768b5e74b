// Arithmetic on latents.
#include "diffusion/latent_math.h"
#include "graph/node_registry.h"
#include "image/raster.h"
#include "nodes/latent/latent_operation.h"
#include "nodes/latent/latent_with.h"
#include "nodes/sockets.h"
#include "tensor/resize.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::Latent;

// The second latent brought to size and batch of the first.
Result<Tensor> second_like_first(const NodeCall& call, ResizeMethod method) {
  const Shape& wanted = call.get<Latent>("samples1").samples.shape();
  Tensor second = call.get<Latent>("samples2").samples;
  const Shape& s = second.shape();
  if (s[1] != wanted[1]) {
    return Error(ErrorKind::kInvalidInput, "input \"samples2\": wanted a latent of " +
                                               std::to_string(wanted[1]) + " channels, found " +
                                               std::to_string(s[1]));
  }
  if (s[2] != wanted[2] || s[3] != wanted[3])
    second = resize(second, wanted[3], wanted[2], method, ResizeCrop::kCenter);
  return image::repeated_to(second, wanted[0]);
}

// Both latents, each times a factor.
Result<NodeResult> latents_combined(const NodeCall& call, double first, double second,
                                    ResizeMethod method = ResizeMethod::kBilinear) {
  OBSCURA_ASSIGN(Tensor other, second_like_first(call, method));
  return latent_with(
      call.get<Latent>("samples1"),
      diffusion::weighted_sum({{first, call.get<Latent>("samples1").samples}, {second, other}}));
}

Result<NodeResult> latent_add(NodeCall& call) {
  return latents_combined(call, 1, 1);
}

Result<NodeResult> latent_subtract(NodeCall& call) {
  return latents_combined(call, 1, -1);
}

Result<NodeResult> latent_blend(NodeCall& call) {
  const auto share = call.get<double>("blend_factor");
  return latents_combined(call, share, 1 - share, ResizeMethod::kBicubic);
}

Result<NodeResult> latent_multiply(NodeCall& call) {
  return latent_with(call.get<Latent>("samples"),
                     diffusion::weighted_sum(
                         {{call.get<double>("multiplier"), call.get<Latent>("samples").samples}}));
}

// Directions and lengths of the pixels' channel vectors are interpolated apart.
Result<NodeResult> latent_interpolate(NodeCall& call) {
  const auto ratio = static_cast<float>(call.get<double>("ratio"));
  const Tensor& first = call.get<Latent>("samples1").samples;
  OBSCURA_ASSIGN(Tensor second, second_like_first(call, ResizeMethod::kBilinear));
  const Tensor lengths_1 = channel_norms(first), lengths_2 = channel_norms(second);
  const Shape& s = first.shape();
  const std::int64_t pixels = s[2] * s[3];
  auto pixel_of = [&](std::int64_t i) { return i / (s[1] * pixels) * pixels + i % pixels; };
  Tensor mixed(s);
  for (std::int64_t i = 0; i < mixed.elements(); ++i) {
    float a = lengths_1.data()[pixel_of(i)], b = lengths_2.data()[pixel_of(i)];
    mixed.data()[i] = (a > 0 ? first.data()[i] / a * ratio : 0) +
                      (b > 0 ? second.data()[i] / b * (1 - ratio) : 0);
  }
  const Tensor lengths = channel_norms(mixed);
  for (std::int64_t i = 0; i < mixed.elements(); ++i) {
    std::int64_t p = pixel_of(i);
    float length = lengths.data()[p];
    float wanted = lengths_1.data()[p] * ratio + lengths_2.data()[p] * (1 - ratio);
    mixed.data()[i] = length > 0 ? mixed.data()[i] / length * wanted : 0;
  }
  return latent_with(call.get<Latent>("samples1"), std::move(mixed));
}

const RegisterNode kLatentAdd{NodeType("LatentAdd")
                                  .label("LatentAdd")
                                  .category("latent/advanced")
                                  .description("Adds two latents.")
                                  .input(socket("samples1", "LATENT"))
                                  .input(socket("samples2", "LATENT"))
                                  .output("LATENT")
                                  .run(latent_add)};

const RegisterNode kLatentSubtract{NodeType("LatentSubtract")
                                       .label("LatentSubtract")
                                       .category("latent/advanced")
                                       .description("The difference of two latents.")
                                       .input(socket("samples1", "LATENT"))
                                       .input(socket("samples2", "LATENT"))
                                       .output("LATENT")
                                       .run(latent_subtract)};

const RegisterNode kLatentMultiply{
    NodeType("LatentMultiply")
        .label("LatentMultiply")
        .category("latent/advanced")
        .description("A latent times a number.")
        .input(socket("samples", "LATENT"))
        .input(number("multiplier", 1.0).range(-10.0, 10.0).step(0.01))
        .output("LATENT")
        .run(latent_multiply)};

const RegisterNode kLatentInterpolate{
    NodeType("LatentInterpolate")
        .label("LatentInterpolate")
        .category("latent/advanced")
        .description("Mixes two latents; their strength is mixed apart from their content, so that "
                     "neither fades.")
        .input(socket("samples1", "LATENT"))
        .input(socket("samples2", "LATENT"))
        .input(number("ratio", 1.0).range(0.0, 1.0).step(0.01))
        .output("LATENT")
        .run(latent_interpolate)};

const RegisterNode kLatentBlend{NodeType("LatentBlend")
                                    .label("Latent Blend")
                                    .category("_for_testing")
                                    .description("Mixes two latents.")
                                    .input(socket("samples1", "LATENT"))
                                    .input(socket("samples2", "LATENT"))
                                    .input(number("blend_factor", 0.5).range(0, 1).step(0.01))
                                    .output("LATENT")
                                    .run(latent_blend)};

}  // namespace
}  // namespace obscura::nodes
