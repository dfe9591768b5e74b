#include "nodes/latent/latent_operation.h"

#include <cmath>

#include "graph/node_registry.h"
#include "image/convolution.h"
#include "nodes/latent/latent_with.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::Latent;

Result<NodeResult> apply_latent_operation(NodeCall& call) {
  OBSCURA_ASSIGN(Tensor changed,
                 call.get<LatentOperation>("operation").apply(call.get<Latent>("samples").samples));
  return latent_with(call.get<Latent>("samples"), std::move(changed));
}

// Reinhard's curve over the lengths of the pixels' channel vectors: what is far above the mean is
// held back.
Tensor tonemapped_latent(const Tensor& latent, double multiplier) {
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

Result<NodeResult> tonemap_operation(NodeCall& call) {
  const auto multiplier = call.get<double>("multiplier");
  return NodeResult{Value::handle("LATENT_OPERATION", LatentOperation{[=](const Tensor& latent) {
                                    return tonemapped_latent(latent, multiplier);
                                  }})};
}

Result<Tensor> sharpened_latent(const Tensor& latent, std::int64_t radius,
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

Result<NodeResult> sharpen_operation(NodeCall& call) {
  const auto radius = call.get<std::int64_t>("sharpen_radius");
  std::vector<float> kernel =
      image::sharpening_kernel(radius, call.get<double>("sigma"), call.get<double>("alpha"));
  return NodeResult{Value::handle("LATENT_OPERATION", LatentOperation{[=](const Tensor& latent) {
                                    return sharpened_latent(latent, radius, kernel);
                                  }})};
}

const RegisterNode kLatentApplyOperation{NodeType("LatentApplyOperation")
                                             .label("LatentApplyOperation")
                                             .category("latent/advanced/operations")
                                             .description("Changes a latent by an operation.")
                                             .input(socket("samples", "LATENT"))
                                             .input(socket("operation", "LATENT_OPERATION"))
                                             .output("LATENT")
                                             .experimental()
                                             .run(apply_latent_operation)};

const RegisterNode kLatentOperationTonemapReinhard{
    NodeType("LatentOperationTonemapReinhard")
        .label("LatentOperationTonemapReinhard")
        .category("latent/advanced/operations")
        .description("An operation that holds back what is too strong, for high cfg.")
        .input(number("multiplier", 1.0).range(0.0, 100.0).step(0.01))
        .output("LATENT_OPERATION")
        .experimental()
        .run(tonemap_operation)};

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
        .run(sharpen_operation)};

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
