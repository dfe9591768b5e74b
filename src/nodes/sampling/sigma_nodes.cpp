// Noise levels: schedules to make them, and nodes to cut and change them.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "diffusion/explicit_sigmas.h"
#include "diffusion/sigmas.h"
#include "graph/node_registry.h"
#include "nodes/sampling/sampling.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using SigmaList = std::vector<float>;

const diffusion::NoiseSchedule& schedule_of(const NodeCall& call) {
  return call.get<pipeline::DiffusionModel>("model").schedule;
}

const SigmaList& sigmas_of(const NodeCall& call) {
  return call.get<Sigmas>("sigmas").values;
}

Result<NodeResult> basic(NodeCall& call) {
  OBSCURA_ASSIGN(SigmaList sigmas,
                 diffusion::make_sigmas({.scheduler = call.get<std::string>("scheduler"),
                                         .steps = call.get<int>("steps"),
                                         .denoise = call.get<double>("denoise")},
                                        schedule_of(call)));
  return NodeResult{sigmas_value(std::move(sigmas))};
}

struct Range {
  int steps;
  double least, most;
};

Result<Range> range_of(const NodeCall& call) {
  Range range{call.get<int>("steps"), call.get<double>("sigma_min"), call.get<double>("sigma_max")};
  if (range.least > 0 && range.least <= range.most) return range;
  return Error(ErrorKind::kInvalidInput, "wanted 0 < sigma_min <= sigma_max, found sigma_min " +
                                             std::to_string(range.least) + ", sigma_max " +
                                             std::to_string(range.most));
}

Result<double> positive(const NodeCall& call, const char* input) {
  const auto value = call.get<double>(input);
  if (value > 0) return value;
  return Error(ErrorKind::kInvalidInput, std::string("input \"") + input +
                                             "\": wanted a value above 0, found " +
                                             std::to_string(value));
}

Result<NodeResult> karras(NodeCall& call) {
  OBSCURA_ASSIGN(Range range, range_of(call));
  OBSCURA_ASSIGN(double rho, positive(call, "rho"));
  return NodeResult{
      sigmas_value(diffusion::karras_sigmas(range.steps, range.least, range.most, rho))};
}

Result<NodeResult> exponential(NodeCall& call) {
  OBSCURA_ASSIGN(Range range, range_of(call));
  return NodeResult{
      sigmas_value(diffusion::exponential_sigmas(range.steps, range.least, range.most))};
}

Result<NodeResult> polyexponential(NodeCall& call) {
  OBSCURA_ASSIGN(Range range, range_of(call));
  OBSCURA_ASSIGN(double rho, positive(call, "rho"));
  return NodeResult{
      sigmas_value(diffusion::polyexponential_sigmas(range.steps, range.least, range.most, rho))};
}

Result<NodeResult> laplace(NodeCall& call) {
  OBSCURA_ASSIGN(Range range, range_of(call));
  return NodeResult{sigmas_value(diffusion::laplace_sigmas(
      range.steps, range.least, range.most, call.get<double>("mu"), call.get<double>("beta")))};
}

Result<NodeResult> variance_preserving(NodeCall& call) {
  return NodeResult{
      sigmas_value(diffusion::vp_sigmas(call.get<int>("steps"), call.get<double>("beta_d"),
                                        call.get<double>("beta_min"), call.get<double>("eps_s")))};
}

Result<NodeResult> beta(NodeCall& call) {
  OBSCURA_ASSIGN(double alpha_of, positive(call, "alpha"));
  OBSCURA_ASSIGN(double beta_of, positive(call, "beta"));
  return NodeResult{sigmas_value(
      diffusion::beta_sigmas(schedule_of(call), call.get<int>("steps"), alpha_of, beta_of))};
}

Result<NodeResult> turbo(NodeCall& call) {
  OBSCURA_ASSIGN(SigmaList sigmas,
                 diffusion::sd_turbo_sigmas(schedule_of(call), call.get<int>("steps"),
                                            call.get<double>("denoise")));
  return NodeResult{sigmas_value(std::move(sigmas))};
}

Result<NodeResult> align_your_steps(NodeCall& call) {
  OBSCURA_ASSIGN(SigmaList sigmas, diffusion::align_your_steps_sigmas(
                                       call.get<std::string>("model_type"), call.get<int>("steps"),
                                       call.get<double>("denoise")));
  return NodeResult{sigmas_value(std::move(sigmas))};
}

// Both parts share the sigma at the cut, `step` steps from the start.
NodeResult cut_at(const SigmaList& sigmas, std::int64_t step) {
  const auto size = static_cast<std::int64_t>(sigmas.size());
  SigmaList high(sigmas.begin(), sigmas.begin() + std::min(step + 1, size));
  SigmaList low(sigmas.begin() + std::min(step, size), sigmas.end());
  return NodeResult{sigmas_value(std::move(high)), sigmas_value(std::move(low))};
}

Result<NodeResult> split(NodeCall& call) {
  return cut_at(sigmas_of(call), call.get<std::int64_t>("step"));
}

Result<NodeResult> split_denoise(NodeCall& call) {
  const SigmaList& sigmas = sigmas_of(call);
  const auto steps = std::max<std::int64_t>(0, static_cast<std::int64_t>(sigmas.size()) - 1);
  const auto kept = static_cast<std::int64_t>(
      std::nearbyint(static_cast<double>(steps) * call.get<double>("denoise")));
  return cut_at(sigmas, steps - kept);
}

Result<NodeResult> sigma_flip(NodeCall& call) {
  SigmaList sigmas = sigmas_of(call);
  std::reverse(sigmas.begin(), sigmas.end());
  if (!sigmas.empty() && sigmas.front() == 0) sigmas.front() = 0.0001f;
  return NodeResult{sigmas_value(std::move(sigmas))};
}

Result<NodeResult> set_first(NodeCall& call) {
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
Result<NodeResult> extend(NodeCall& call) {
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
  const diffusion::NoiseSchedule& schedule = schedule_of(call);
  const auto percent = call.get<double>("sampling_percent");
  double sigma = schedule.percent_to_sigma(percent);
  if (call.get<bool>("return_actual_sigma")) {
    if (percent == 0) sigma = schedule.sigma_max();
    if (percent == 1) sigma = schedule.sigma_min();
  }
  return NodeResult{Value::number(sigma)};
}

const RegisterNode kBasicScheduler{NodeType("BasicScheduler")
                                       .label("BasicScheduler")
                                       .category("sampling/custom_sampling/schedulers")
                                       .description("The noise levels that KSampler would use.")
                                       .input(socket("model", "MODEL"))
                                       .input(scheduler_input())
                                       .input(integer("steps", 20).range(1, 10000))
                                       .input(number("denoise", 1.0).range(0.0, 1.0).step(0.01))
                                       .output("SIGMAS")
                                       .run(basic)};

const RegisterNode kKarrasScheduler{
    NodeType("KarrasScheduler")
        .label("KarrasScheduler")
        .category("sampling/custom_sampling/schedulers")
        .description("Noise levels of Karras et al., arXiv:2206.00364.")
        .input(integer("steps", 20).range(1, 10000))
        .input(number("sigma_max", 14.614642).range(0.0, 5000.0).step(0.01).no_rounding())
        .input(number("sigma_min", 0.0291675).range(0.0, 5000.0).step(0.01).no_rounding())
        .input(number("rho", 7.0).range(0.0, 100.0).step(0.01).no_rounding())
        .output("SIGMAS")
        .run(karras)};

const RegisterNode kExponentialScheduler{
    NodeType("ExponentialScheduler")
        .label("ExponentialScheduler")
        .category("sampling/custom_sampling/schedulers")
        .description("Noise levels at equal ratios.")
        .input(integer("steps", 20).range(1, 10000))
        .input(number("sigma_max", 14.614642).range(0.0, 5000.0).step(0.01).no_rounding())
        .input(number("sigma_min", 0.0291675).range(0.0, 5000.0).step(0.01).no_rounding())
        .output("SIGMAS")
        .run(exponential)};

const RegisterNode kPolyexponentialScheduler{
    NodeType("PolyexponentialScheduler")
        .label("PolyexponentialScheduler")
        .category("sampling/custom_sampling/schedulers")
        .description("Noise levels at ratios that grow or shrink.")
        .input(integer("steps", 20).range(1, 10000))
        .input(number("sigma_max", 14.614642).range(0.0, 5000.0).step(0.01).no_rounding())
        .input(number("sigma_min", 0.0291675).range(0.0, 5000.0).step(0.01).no_rounding())
        .input(number("rho", 1.0).range(0.0, 100.0).step(0.01).no_rounding())
        .output("SIGMAS")
        .run(polyexponential)};

const RegisterNode kLaplaceScheduler{
    NodeType("LaplaceScheduler")
        .label("LaplaceScheduler")
        .category("sampling/custom_sampling/schedulers")
        .description("Noise levels after a Laplace distribution, arXiv:2407.03297.")
        .input(integer("steps", 20).range(1, 10000))
        .input(number("sigma_max", 14.614642).range(0.0, 5000.0).step(0.01).no_rounding())
        .input(number("sigma_min", 0.0291675).range(0.0, 5000.0).step(0.01).no_rounding())
        .input(number("mu", 0.0).range(-10.0, 10.0).step(0.1).no_rounding())
        .input(number("beta", 0.5).range(0.0, 10.0).step(0.1).no_rounding())
        .output("SIGMAS")
        .run(laplace)};

const RegisterNode kVPScheduler{
    NodeType("VPScheduler")
        .label("VPScheduler")
        .category("sampling/custom_sampling/schedulers")
        .description("Noise levels of the continuous variance-preserving process.")
        .input(integer("steps", 20).range(1, 10000))
        .input(number("beta_d", 19.9).range(0.0, 5000.0).step(0.01).no_rounding())
        .input(number("beta_min", 0.1).range(0.0, 5000.0).step(0.01).no_rounding())
        .input(number("eps_s", 0.001).range(0.0, 1.0).step(0.0001).no_rounding())
        .output("SIGMAS")
        .run(variance_preserving)};

const RegisterNode kBetaSamplingScheduler{
    NodeType("BetaSamplingScheduler")
        .label("BetaSamplingScheduler")
        .category("sampling/custom_sampling/schedulers")
        .description("Noise levels after a beta distribution, arXiv:2407.12173.")
        .input(socket("model", "MODEL"))
        .input(integer("steps", 20).range(1, 10000))
        .input(number("alpha", 0.6).range(0.0, 50.0).step(0.01).no_rounding())
        .input(number("beta", 0.6).range(0.0, 50.0).step(0.01).no_rounding())
        .output("SIGMAS")
        .run(beta)};

const RegisterNode kSDTurboScheduler{
    NodeType("SDTurboScheduler")
        .label("SDTurboScheduler")
        .category("sampling/custom_sampling/schedulers")
        .description("The noise levels that SD Turbo and SDXL Turbo were distilled for.")
        .input(socket("model", "MODEL"))
        .input(integer("steps", 1).range(1, 10))
        .input(number("denoise", 1.0).range(0, 1.0).step(0.01))
        .output("SIGMAS")
        .run(turbo)};

const RegisterNode kAlignYourStepsScheduler{
    NodeType("AlignYourStepsScheduler")
        .label("AlignYourStepsScheduler")
        .category("sampling/custom_sampling/schedulers")
        .description("Optimised noise levels, arXiv:2404.14507.")
        .input(choice("model_type", {"SD1", "SDXL", "SVD"}))
        .input(integer("steps", 10).range(1, 10000))
        .input(number("denoise", 1.0).range(0.0, 1.0).step(0.01))
        .output("SIGMAS")
        .run(align_your_steps)};

const RegisterNode kSplitSigmas{
    NodeType("SplitSigmas")
        .label("SplitSigmas")
        .category("sampling/custom_sampling/sigmas")
        .description("Cuts noise levels in two, for two samplers in turn.")
        .input(socket("sigmas", "SIGMAS"))
        .input(integer("step", 0).range(0, 10000))
        .output("SIGMAS", "high_sigmas")
        .output("SIGMAS", "low_sigmas")
        .run(split)};

const RegisterNode kSplitSigmasDenoise{
    NodeType("SplitSigmasDenoise")
        .label("SplitSigmasDenoise")
        .category("sampling/custom_sampling/sigmas")
        .description("Cuts noise levels in two, the second part being so much of the steps.")
        .input(socket("sigmas", "SIGMAS"))
        .input(number("denoise", 1.0).range(0.0, 1.0).step(0.01))
        .output("SIGMAS", "high_sigmas")
        .output("SIGMAS", "low_sigmas")
        .run(split_denoise)};

const RegisterNode kFlipSigmas{
    NodeType("FlipSigmas")
        .label("FlipSigmas")
        .category("sampling/custom_sampling/sigmas")
        .description("Noise levels from the last to the first, for going back to noise.")
        .input(socket("sigmas", "SIGMAS"))
        .output("SIGMAS")
        .run(sigma_flip)};

const RegisterNode kSetFirstSigma{
    NodeType("SetFirstSigma")
        .label("SetFirstSigma")
        .category("sampling/custom_sampling/sigmas")
        .description("Replaces the first noise level.")
        .input(socket("sigmas", "SIGMAS"))
        .input(number("sigma", 136.0).range(0.0, 20000.0).step(0.001).no_rounding())
        .output("SIGMAS")
        .run(set_first)};

const RegisterNode kExtendIntermediateSigmas{
    NodeType("ExtendIntermediateSigmas")
        .label("ExtendIntermediateSigmas")
        .category("sampling/custom_sampling/sigmas")
        .description("Makes several steps of each step between two noise levels.")
        .input(socket("sigmas", "SIGMAS"))
        .input(integer("steps", 2).range(1, 100))
        .input(number("start_at_sigma", -1.0).range(-1.0, 20000.0).step(0.01).no_rounding())
        .input(number("end_at_sigma", 12.0).range(0.0, 20000.0).step(0.01).no_rounding())
        .input(choice("spacing", {"linear", "cosine", "sine"}))
        .output("SIGMAS")
        .run(extend)};

const RegisterNode kSamplingPercentToSigma{
    NodeType("SamplingPercentToSigma")
        .label("SamplingPercentToSigma")
        .category("sampling/custom_sampling/sigmas")
        .description("The noise level at a part of the sampling.")
        .input(socket("model", "MODEL"))
        .input(number("sampling_percent", 0.0).range(0.0, 1.0).step(0.0001))
        .input(toggle("return_actual_sigma", false))
        .output("FLOAT", "sigma_value")
        .run(percent_to_sigma)};

}  // namespace
}  // namespace obscura::nodes
