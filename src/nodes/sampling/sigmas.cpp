// Nodes that cut and change sigmas.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "graph/node_registry.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using SigmaList = std::vector<float>;

const SigmaList& sigmas_of(const NodeCall& call) {
  return call.get<Sigmas>("sigmas").values;
}

// Both parts share the sigma at the cut, `step` steps from the start.
NodeResult cut_at(const SigmaList& sigmas, std::int64_t step) {
  const auto size = static_cast<std::int64_t>(sigmas.size());
  SigmaList high(sigmas.begin(), sigmas.begin() + std::min(step + 1, size));
  SigmaList low(sigmas.begin() + std::min(step, size), sigmas.end());
  return NodeResult{sigmas_value(std::move(high)), sigmas_value(std::move(low))};
}

Result<NodeResult> split_sigmas(NodeCall& call) {
  return cut_at(sigmas_of(call), call.get<std::int64_t>("step"));
}

Result<NodeResult> split_denoise(NodeCall& call) {
  const SigmaList& sigmas = sigmas_of(call);
  const auto steps = std::max<std::int64_t>(0, static_cast<std::int64_t>(sigmas.size()) - 1);
  const auto kept = static_cast<std::int64_t>(
      std::nearbyint(static_cast<double>(steps) * call.get<double>("denoise")));
  return cut_at(sigmas, steps - kept);
}

Result<NodeResult> flip_sigmas(NodeCall& call) {
  SigmaList sigmas = sigmas_of(call);
  std::reverse(sigmas.begin(), sigmas.end());
  if (!sigmas.empty() && sigmas.front() == 0) sigmas.front() = 0.0001f;
  return NodeResult{sigmas_value(std::move(sigmas))};
}

Result<NodeResult> set_first_sigma(NodeCall& call) {
  SigmaList sigmas = sigmas_of(call);
  if (!sigmas.empty()) sigmas.front() = static_cast<float>(call.get<double>("sigma"));
  return NodeResult{sigmas_value(std::move(sigmas))};
}

// How far between its ends the `i`-th of `count` inserted sigmas lies.
double spaced(const std::string& spacing, int i, int count) {
  const double t = static_cast<double>(i) / count;
  if (spacing == "linear") return t;
  return spacing == "cosine" ? std::sin(t * std::numbers::pi / 2)
                             : 1 - std::cos(t * std::numbers::pi / 2);
}

// Each step that begins between the two sigmas becomes `steps` steps.
Result<NodeResult> extend_sigmas(NodeCall& call) {
  const SigmaList& sigmas = sigmas_of(call);
  const int steps = call.get<int>("steps");
  const auto& spacing = call.get<std::string>("spacing");
  double begin = call.get<double>("start_at_sigma");
  if (begin < 0) begin = std::numeric_limits<double>::infinity();
  const auto end = call.get<double>("end_at_sigma");
  SigmaList extended;
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const double from = sigmas[i], to = sigmas[i + 1];
    extended.push_back(sigmas[i]);
    if (from > begin || from < end) continue;
    for (int k = 1; k < steps; ++k)
      extended.push_back(static_cast<float>(from + spaced(spacing, k, steps) * (to - from)));
  }
  if (!sigmas.empty()) extended.push_back(sigmas.back());
  return NodeResult{sigmas_value(std::move(extended))};
}

// The ends of the sampling are marked by values beyond all sigmas; `return_actual_sigma` asks for
// the sigmas themselves.
Result<NodeResult> percent_to_sigma(NodeCall& call) {
  const diffusion::NoiseSchedule& schedule = call.get<pipeline::DiffusionModel>("model").schedule;
  const auto percent = call.get<double>("sampling_percent");
  double sigma = schedule.percent_to_sigma(percent);
  if (call.get<bool>("return_actual_sigma")) {
    if (percent == 0) sigma = schedule.sigma_max();
    if (percent == 1) sigma = schedule.sigma_min();
  }
  return NodeResult{Value::number(sigma)};
}

const RegisterNode kSplitSigmas{NodeType("SplitSigmas")
                                    .label("SplitSigmas")
                                    .category("sampling/custom_sampling/sigmas")
                                    .description("Cuts sigmas in two, for two samplers in turn.")
                                    .input(socket("sigmas", "SIGMAS"))
                                    .input(integer("step", 0).range(0, 10000))
                                    .output("SIGMAS", "high_sigmas")
                                    .output("SIGMAS", "low_sigmas")
                                    .run(split_sigmas)};

const RegisterNode kSplitSigmasDenoise{
    NodeType("SplitSigmasDenoise")
        .label("SplitSigmasDenoise")
        .category("sampling/custom_sampling/sigmas")
        .description("Cuts sigmas in two, the second part being so much of the steps.")
        .input(socket("sigmas", "SIGMAS"))
        .input(number("denoise", 1.0).range(0.0, 1.0).step(0.01))
        .output("SIGMAS", "high_sigmas")
        .output("SIGMAS", "low_sigmas")
        .run(split_denoise)};

const RegisterNode kFlipSigmas{
    NodeType("FlipSigmas")
        .label("FlipSigmas")
        .category("sampling/custom_sampling/sigmas")
        .description("Sigmas from the last to the first, for going back to noise.")
        .input(socket("sigmas", "SIGMAS"))
        .output("SIGMAS")
        .run(flip_sigmas)};

const RegisterNode kSetFirstSigma{
    NodeType("SetFirstSigma")
        .label("SetFirstSigma")
        .category("sampling/custom_sampling/sigmas")
        .description("Replaces the first sigma.")
        .input(socket("sigmas", "SIGMAS"))
        .input(number("sigma", 136.0).range(0.0, 20000.0).step(0.001).no_rounding())
        .output("SIGMAS")
        .run(set_first_sigma)};

const RegisterNode kExtendIntermediateSigmas{
    NodeType("ExtendIntermediateSigmas")
        .label("ExtendIntermediateSigmas")
        .category("sampling/custom_sampling/sigmas")
        .description("Makes several steps of each step between two sigmas.")
        .input(socket("sigmas", "SIGMAS"))
        .input(integer("steps", 2).range(1, 100))
        .input(number("start_at_sigma", -1.0).range(-1.0, 20000.0).step(0.01).no_rounding())
        .input(number("end_at_sigma", 12.0).range(0.0, 20000.0).step(0.01).no_rounding())
        .input(choice("spacing", {"linear", "cosine", "sine"}))
        .output("SIGMAS")
        .run(extend_sigmas)};

const RegisterNode kSamplingPercentToSigma{
    NodeType("SamplingPercentToSigma")
        .label("SamplingPercentToSigma")
        .category("sampling/custom_sampling/sigmas")
        .description("The sigma at a part of the sampling.")
        .input(socket("model", "MODEL"))
        .input(number("sampling_percent", 0.0).range(0.0, 1.0).step(0.0001))
        .input(toggle("return_actual_sigma", false))
        .output("FLOAT", "sigma_value")
        .run(percent_to_sigma)};

}  // namespace
}  // namespace obscura::nodes
