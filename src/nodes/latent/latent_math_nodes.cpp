// Arithmetic on latents: adding, blending, joining, cutting, and the operations that may be applied
// to a latent or, at each step, to the guidance.
#include <algorithm>
#include <cmath>

#include "diffusion/latent_math.h"
#include "graph/node_registry.h"
#include "image/raster.h"
#include "nodes/latent/latent_operation.h"
#include "nodes/sockets.h"
#include "tensor/resize.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using diffusion::weighted_sum;
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

NodeResult latent_math_with_samples(const NodeCall& call, const char* input, Tensor samples) {
  Latent latent = call.get<Latent>(input);
  latent.samples = std::move(samples);
  return NodeResult{latent_value(std::move(latent))};
}

// Both latents, each times a factor.
Result<NodeResult> latent_math_combined(const NodeCall& call, double first, double second,
                                        ResizeMethod method = ResizeMethod::kBilinear) {
  OBSCURA_ASSIGN(Tensor other, second_like_first(call, method));
  return latent_math_with_samples(
      call, "samples1",
      weighted_sum({{first, call.get<Latent>("samples1").samples}, {second, other}}));
}

Result<NodeResult> latent_math_add(NodeCall& call) {
  return latent_math_combined(call, 1, 1);
}

Result<NodeResult> latent_math_subtract(NodeCall& call) {
  return latent_math_combined(call, 1, -1);
}

Result<NodeResult> latent_math_blend(NodeCall& call) {
  const auto share = call.get<double>("blend_factor");
  return latent_math_combined(call, share, 1 - share, ResizeMethod::kBicubic);
}

Result<NodeResult> multiply(NodeCall& call) {
  return latent_math_with_samples(
      call, "samples",
      weighted_sum({{call.get<double>("multiplier"), call.get<Latent>("samples").samples}}));
}

// Directions and lengths of the pixels' channel vectors are interpolated apart.
Result<NodeResult> interpolate(NodeCall& call) {
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
  return latent_math_with_samples(call, "samples1", std::move(mixed));
}

// ComfyUI's names of a latent's axes; t, the frames of a video, is the channels of a still.
int axis_of(const std::string& dim) {
  return dim.ends_with('x') ? 3 : dim.ends_with('y') ? 2 : 1;
}

Result<NodeResult> latent_math_concat(NodeCall& call) {
  const auto& dim = call.get<std::string>("dim");
  const Tensor& first = call.get<Latent>("samples1").samples;
  const Tensor second = image::repeated_to(call.get<Latent>("samples2").samples, first.shape()[0]);
  const int axis = axis_of(dim);
  for (int i = 1; i < 4; ++i) {
    if (i == axis || first.shape()[i] == second.shape()[i]) continue;
    return Error(ErrorKind::kInvalidInput, "wanted latents that differ only along " + dim +
                                               ", found " + first.shape().text() + " and " +
                                               second.shape().text());
  }
  bool reversed = dim.starts_with('-');
  return latent_math_with_samples(
      call, "samples1", image::joined(reversed ? second : first, reversed ? first : second, axis));
}

Result<NodeResult> cut(NodeCall& call) {
  const Tensor& samples = call.get<Latent>("samples").samples;
  const int axis = axis_of(call.get<std::string>("dim"));
  const std::int64_t size = samples.shape()[axis];
  auto index = call.get<std::int64_t>("index"), amount = call.get<std::int64_t>("amount");
  if (index < 0) index = std::max(index + size, std::int64_t{0});
  index = std::min(index, size - 1);
  return latent_math_with_samples(
      call, "samples", image::narrowed(samples, axis, index, std::min(amount, size - index)));
}

Result<NodeResult> apply(NodeCall& call) {
  OBSCURA_ASSIGN(Tensor changed,
                 call.get<LatentOperation>("operation").apply(call.get<Latent>("samples").samples));
  return latent_math_with_samples(call, "samples", std::move(changed));
}

// Reinhard's curve over the lengths of the pixels' channel vectors: what is far above the mean is
// held back.
Tensor tonemapped(const Tensor& latent, double multiplier) {
  const Shape& s = latent.shape();
  const std::int64_t pixels = s[2] * s[3];
  const Tensor lengths = channel_norms(latent);
  Tensor result(s);
  for (std::int64_t b = 0; b < s[0]; ++b) {
    const float* length = lengths.data() + b * pixels;
    double mean = 0, squares = 0;
    for (std::int64_t i = 0; i < pixels; ++i) mean += length[i] / static_cast<double>(pixels);
    for (std::int64_t i = 0; i < pixels; ++i) squares += (length[i] - mean) * (length[i] - mean);
    double deviation = pixels > 1 ? std::sqrt(squares / static_cast<double>(pixels - 1)) : 0;
    double top = (5 * deviation + mean) * multiplier;
    for (std::int64_t i = 0; i < s[1] * pixels; ++i) {
      double old = length[i % pixels] + 1e-10;
      double place = top > 0 ? old / top : 0;
      result.data()[b * s[1] * pixels + i] = static_cast<float>(
          latent.data()[b * s[1] * pixels + i] / old * place / (place + 1) * top);
    }
  }
  return result;
}

Result<NodeResult> tonemap(NodeCall& call) {
  const auto multiplier = call.get<double>("multiplier");
  return NodeResult{Value::handle("LATENT_OPERATION", LatentOperation{[=](const Tensor& latent) {
                                    return tonemapped(latent, multiplier);
                                  }})};
}

Result<Tensor> sharpened(const Tensor& latent, std::int64_t radius,
                         const std::vector<float>& kernel) {
  const Shape& s = latent.shape();
  if (radius >= s[2] || radius >= s[3]) {
    return Error(ErrorKind::kInvalidInput,
                 "input \"sharpen_radius\": wanted less than the latent's sides, found " +
                     std::to_string(radius) + " for a latent of " + s.text());
  }
  const Tensor lengths = channel_norms(latent);
  const std::int64_t pixels = s[2] * s[3];
  auto length_at = [&](std::int64_t i) {
    return lengths.data()[i / (s[1] * pixels) * pixels + i % pixels] + 1e-6f;
  };
  Tensor directions(s);
  for (std::int64_t i = 0; i < latent.elements(); ++i)
    directions.data()[i] = latent.data()[i] / length_at(i);
  Tensor result = image::convolved(directions, kernel, radius);
  for (std::int64_t i = 0; i < latent.elements(); ++i) result.data()[i] *= length_at(i);
  return result;
}

Result<NodeResult> latent_math_sharpen(NodeCall& call) {
  const auto radius = call.get<std::int64_t>("sharpen_radius");
  std::vector<float> kernel =
      image::sharpening_kernel(radius, call.get<double>("sigma"), call.get<double>("alpha"));
  return NodeResult{Value::handle("LATENT_OPERATION", LatentOperation{[=](const Tensor& latent) {
                                    return sharpened(latent, radius, kernel);
                                  }})};
}

const RegisterNode kLatentAdd{NodeType("LatentAdd")
                                  .label("LatentAdd")
                                  .category("latent/advanced")
                                  .description("Adds two latents.")
                                  .input(socket("samples1", "LATENT"))
                                  .input(socket("samples2", "LATENT"))
                                  .output("LATENT")
                                  .run(latent_math_add)};

const RegisterNode kLatentSubtract{NodeType("LatentSubtract")
                                       .label("LatentSubtract")
                                       .category("latent/advanced")
                                       .description("The difference of two latents.")
                                       .input(socket("samples1", "LATENT"))
                                       .input(socket("samples2", "LATENT"))
                                       .output("LATENT")
                                       .run(latent_math_subtract)};

const RegisterNode kLatentMultiply{
    NodeType("LatentMultiply")
        .label("LatentMultiply")
        .category("latent/advanced")
        .description("A latent times a number.")
        .input(socket("samples", "LATENT"))
        .input(number("multiplier", 1.0).range(-10.0, 10.0).step(0.01))
        .output("LATENT")
        .run(multiply)};

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
        .run(interpolate)};

const RegisterNode kLatentBlend{NodeType("LatentBlend")
                                    .label("Latent Blend")
                                    .category("_for_testing")
                                    .description("Mixes two latents.")
                                    .input(socket("samples1", "LATENT"))
                                    .input(socket("samples2", "LATENT"))
                                    .input(number("blend_factor", 0.5).range(0, 1).step(0.01))
                                    .output("LATENT")
                                    .run(latent_math_blend)};

const RegisterNode kLatentConcat{NodeType("LatentConcat")
                                     .label("LatentConcat")
                                     .category("latent/advanced")
                                     .description("Puts two latents side by side.")
                                     .input(socket("samples1", "LATENT"))
                                     .input(socket("samples2", "LATENT"))
                                     .input(choice("dim", {"x", "-x", "y", "-y", "t", "-t"}))
                                     .output("LATENT")
                                     .run(latent_math_concat)};

const RegisterNode kLatentCut{NodeType("LatentCut")
                                  .label("LatentCut")
                                  .category("latent/advanced")
                                  .description("Takes a strip out of a latent.")
                                  .input(socket("samples", "LATENT"))
                                  .input(choice("dim", {"x", "y", "t"}))
                                  .input(integer("index", 0).range(-16384, 16384).step(1))
                                  .input(integer("amount", 1).range(1, 16384).step(1))
                                  .output("LATENT")
                                  .run(cut)};

const RegisterNode kLatentApplyOperation{NodeType("LatentApplyOperation")
                                             .label("LatentApplyOperation")
                                             .category("latent/advanced/operations")
                                             .description("Changes a latent by an operation.")
                                             .input(socket("samples", "LATENT"))
                                             .input(socket("operation", "LATENT_OPERATION"))
                                             .output("LATENT")
                                             .experimental()
                                             .run(apply)};

const RegisterNode kLatentOperationTonemapReinhard{
    NodeType("LatentOperationTonemapReinhard")
        .label("LatentOperationTonemapReinhard")
        .category("latent/advanced/operations")
        .description("An operation that holds back what is too strong, for high cfg.")
        .input(number("multiplier", 1.0).range(0.0, 100.0).step(0.01))
        .output("LATENT_OPERATION")
        .experimental()
        .run(tonemap)};

const RegisterNode kLatentOperationSharpen{
    NodeType("LatentOperationSharpen")
        .label("LatentOperationSharpen")
        .category("latent/advanced/operations")
        .description("An operation that sharpens.")
        .input(integer("sharpen_radius", 9).range(1, 31).step(1))
        .input(number("sigma", 1.0).range(0.1, 10.0).step(0.1))
        .input(number("alpha", 0.1).range(0.0, 5.0).step(0.01))
        .output("LATENT_OPERATION")
        .experimental()
        .run(latent_math_sharpen)};

}  // namespace

Tensor channel_norms(const Tensor& latent) {
  const Shape& s = latent.shape();
  const std::int64_t pixels = s[2] * s[3];
  Tensor norms(Shape{s[0], s[2], s[3]});
  for (std::int64_t i = 0; i < norms.elements(); ++i) {
    const float* first = latent.data() + i / pixels * s[1] * pixels + i % pixels;
    double sum = 0;
    for (std::int64_t c = 0; c < s[1]; ++c) sum += double{first[c * pixels]} * first[c * pixels];
    norms.data()[i] = static_cast<float>(std::sqrt(sum));
  }
  return norms;
}

}  // namespace obscura::nodes
