// Schedules of sigmas.
#include "diffusion/explicit_sigmas.h"
#include "diffusion/sigmas.h"
#include "graph/node_registry.h"
#include "nodes/sampling/sampling.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using SigmaList = std::vector<float>;

const diffusion::NoiseSchedule& model_schedule(const NodeCall& call) {
  return call.get<pipeline::DiffusionModel>("model").schedule;
}

Result<NodeResult> basic_schedule(NodeCall& call) {
  OBSCURA_ASSIGN(SigmaList sigmas,
                 diffusion::make_sigmas({.scheduler = call.get<std::string>("scheduler"),
                                         .steps = call.get<int>("steps"),
                                         .denoise = call.get<double>("denoise")},
                                        model_schedule(call)));
  return NodeResult{sigmas_value(std::move(sigmas))};
}

struct SigmaRange {
  int steps;
  double least, most;
};

Result<SigmaRange> sigma_range(const NodeCall& call) {
  SigmaRange range{call.get<int>("steps"), call.get<double>("sigma_min"),
                   call.get<double>("sigma_max")};
  if (range.least > 0 && range.least <= range.most) return range;
  return Error(ErrorKind::kInvalidInput, "wanted 0 < sigma_min <= sigma_max, found sigma_min " +
                                             std::to_string(range.least) + ", sigma_max " +
                                             std::to_string(range.most));
}

Result<double> positive_input(const NodeCall& call, const char* input) {
  const auto value = call.get<double>(input);
  if (value > 0) return value;
  return Error(ErrorKind::kInvalidInput, std::string("input \"") + input +
                                             "\": wanted a value above 0, found " +
                                             std::to_string(value));
}

Result<NodeResult> karras_schedule(NodeCall& call) {
  OBSCURA_ASSIGN(SigmaRange range, sigma_range(call));
  OBSCURA_ASSIGN(double rho, positive_input(call, "rho"));
  return NodeResult{
      sigmas_value(diffusion::karras_sigmas(range.steps, range.least, range.most, rho))};
}

Result<NodeResult> exponential_schedule(NodeCall& call) {
  OBSCURA_ASSIGN(SigmaRange range, sigma_range(call));
  return NodeResult{
      sigmas_value(diffusion::exponential_sigmas(range.steps, range.least, range.most))};
}

Result<NodeResult> polyexponential_schedule(NodeCall& call) {
  OBSCURA_ASSIGN(SigmaRange range, sigma_range(call));
  OBSCURA_ASSIGN(double rho, positive_input(call, "rho"));
  return NodeResult{
      sigmas_value(diffusion::polyexponential_sigmas(range.steps, range.least, range.most, rho))};
}

Result<NodeResult> laplace_schedule(NodeCall& call) {
  OBSCURA_ASSIGN(SigmaRange range, sigma_range(call));
  return NodeResult{sigmas_value(diffusion::laplace_sigmas(
      range.steps, range.least, range.most, call.get<double>("mu"), call.get<double>("beta")))};
}

Result<NodeResult> variance_preserving_schedule(NodeCall& call) {
  return NodeResult{
      sigmas_value(diffusion::vp_sigmas(call.get<int>("steps"), call.get<double>("beta_d"),
                                        call.get<double>("beta_min"), call.get<double>("eps_s")))};
}

Result<NodeResult> beta_schedule(NodeCall& call) {
  OBSCURA_ASSIGN(double alpha_of, positive_input(call, "alpha"));
  OBSCURA_ASSIGN(double beta_of, positive_input(call, "beta"));
  return NodeResult{sigmas_value(
      diffusion::beta_sigmas(model_schedule(call), call.get<int>("steps"), alpha_of, beta_of))};
}

Result<NodeResult> turbo_schedule(NodeCall& call) {
  OBSCURA_ASSIGN(SigmaList sigmas,
                 diffusion::sd_turbo_sigmas(model_schedule(call), call.get<int>("steps"),
                                            call.get<double>("denoise")));
  return NodeResult{sigmas_value(std::move(sigmas))};
}

Result<NodeResult> align_your_steps_schedule(NodeCall& call) {
  OBSCURA_ASSIGN(SigmaList sigmas, diffusion::align_your_steps_sigmas(
                                       call.get<std::string>("model_type"), call.get<int>("steps"),
                                       call.get<double>("denoise")));
  return NodeResult{sigmas_value(std::move(sigmas))};
}

NodeType scheduler_node(const char* id, const char* description) {
  NodeType node(id);
  node.label(id)
      .category("sampling/custom_sampling/schedulers")
      .description(description)
      .output("SIGMAS");
  return node;
}

InputSpec steps_input(std::int64_t at = 20) {
  return integer("steps", at).range(1, 10000);
}

// Steps and the sigmas that they lead from and to.
NodeType with_range_inputs(NodeType node) {
  node.input(steps_input())
      .input(number("sigma_max", 14.614642).range(0.0, 5000.0).step(0.01).no_rounding())
      .input(number("sigma_min", 0.0291675).range(0.0, 5000.0).step(0.01).no_rounding());
  return node;
}

const RegisterNode kBasicScheduler{
    scheduler_node("BasicScheduler", "The sigmas that KSampler would use.")
        .input(socket("model", "MODEL"))
        .input(scheduler_input())
        .input(steps_input())
        .input(number("denoise", 1.0).range(0.0, 1.0).step(0.01))
        .run(basic_schedule)};

const RegisterNode kKarrasScheduler{
    with_range_inputs(
        scheduler_node("KarrasScheduler", "Sigmas of Karras et al., arXiv:2206.00364."))
        .input(number("rho", 7.0).range(0.0, 100.0).step(0.01).no_rounding())
        .run(karras_schedule)};

const RegisterNode kExponentialScheduler{
    with_range_inputs(scheduler_node("ExponentialScheduler", "Sigmas at equal ratios."))
        .run(exponential_schedule)};

const RegisterNode kPolyexponentialScheduler{
    with_range_inputs(
        scheduler_node("PolyexponentialScheduler", "Sigmas at ratios that grow or shrink."))
        .input(number("rho", 1.0).range(0.0, 100.0).step(0.01).no_rounding())
        .run(polyexponential_schedule)};

const RegisterNode kLaplaceScheduler{
    with_range_inputs(scheduler_node("LaplaceScheduler",
                                     "Sigmas after a Laplace distribution, arXiv:2407.03297."))
        .input(number("mu", 0.0).range(-10.0, 10.0).step(0.1).no_rounding())
        .input(number("beta", 0.5).range(0.0, 10.0).step(0.1).no_rounding())
        .run(laplace_schedule)};

const RegisterNode kVPScheduler{
    scheduler_node("VPScheduler", "Sigmas of the continuous variance-preserving process.")
        .input(steps_input())
        .input(number("beta_d", 19.9).range(0.0, 5000.0).step(0.01).no_rounding())
        .input(number("beta_min", 0.1).range(0.0, 5000.0).step(0.01).no_rounding())
        .input(number("eps_s", 0.001).range(0.0, 1.0).step(0.0001).no_rounding())
        .run(variance_preserving_schedule)};

const RegisterNode kBetaSamplingScheduler{
    scheduler_node("BetaSamplingScheduler", "Sigmas after a beta distribution, arXiv:2407.12173.")
        .input(socket("model", "MODEL"))
        .input(steps_input())
        .input(number("alpha", 0.6).range(0.0, 50.0).step(0.01).no_rounding())
        .input(number("beta", 0.6).range(0.0, 50.0).step(0.01).no_rounding())
        .run(beta_schedule)};

const RegisterNode kSDTurboScheduler{
    scheduler_node("SDTurboScheduler",
                   "The sigmas that SD Turbo and SDXL Turbo were distilled for.")
        .input(socket("model", "MODEL"))
        .input(integer("steps", 1).range(1, 10))
        .input(number("denoise", 1.0).range(0, 1.0).step(0.01))
        .run(turbo_schedule)};

const RegisterNode kAlignYourStepsScheduler{
    scheduler_node("AlignYourStepsScheduler", "Optimised sigmas, arXiv:2404.14507.")
        .input(choice("model_type", {"SD1", "SDXL", "SVD"}))
        .input(steps_input(10))
        .input(number("denoise", 1.0).range(0.0, 1.0).step(0.01))
        .run(align_your_steps_schedule)};

}  // namespace
}  // namespace obscura::nodes
