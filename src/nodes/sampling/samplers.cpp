// KSamplerSelect, and a node for each sampler that has options.
#include <initializer_list>

#include "diffusion/sampler.h"
#include "graph/node_registry.h"
#include "nodes/sampling/sampling.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

NodeResult sampler(std::string name, diffusion::SamplerOptions options = {}) {
  return NodeResult{Value::handle("SAMPLER", SamplerChoice{std::move(name), std::move(options)})};
}

// Options that have the names of the node's inputs.
diffusion::SamplerOptions options_of(const NodeCall& call,
                                     std::initializer_list<const char*> names) {
  diffusion::SamplerOptions options;
  for (const char* name : names) {
    const Value& value = call.value(name);
    if (value.holds<bool>())
      options[name] = value.get<bool>() ? 1.0 : 0.0;
    else if (value.holds<double>())
      options[name] = value.get<double>();
    else
      options[name] = value.get<std::string>();
  }
  return options;
}

Result<NodeResult> select_sampler(NodeCall& call) {
  return sampler(call.get<std::string>("sampler_name"));
}

// A sampler whose options have the names of the inputs.
template <class... Names>
NodeBody named(const char* name, Names... inputs) {
  return [=](NodeCall& call) -> Result<NodeResult> {
    return sampler(name, options_of(call, {inputs...}));
  };
}

Result<NodeResult> euler_cfg_pp(NodeCall& call) {
  return sampler(call.get<std::string>("version") == "alternative" ? "euler_pp" : "euler_cfg_pp");
}

Result<NodeResult> lcm_upscale(NodeCall& call) {
  diffusion::SamplerOptions options = options_of(call, {"upscale_method"});
  options["total_upscale"] = call.get<double>("scale_ratio");
  options["upscale_steps"] = call.get<double>("scale_steps");
  return sampler("lcm_upscale", std::move(options));
}

// The noise is drawn on the CPU whatever `noise_device` says, so that an image does not depend on
// the device.
NodeBody sde(const char* name, bool has_r, bool has_type) {
  return [=](NodeCall& call) -> Result<NodeResult> {
    diffusion::SamplerOptions options = options_of(call, {"eta", "s_noise"});
    if (has_r) options["r"] = call.get<double>("r");
    if (has_type) options["solver_type"] = call.get<std::string>("solver_type");
    return sampler(name, std::move(options));
  };
}

Result<NodeResult> er_sde(NodeCall& call) {
  const auto& type = call.get<std::string>("solver_type");
  diffusion::SamplerOptions options = options_of(call, {"max_stage", "s_noise"});
  auto eta = call.get<double>("eta");
  if (type == "ODE") eta = 0;
  if (type != "ER-SDE") {
    options["noise_scaler"] = "power";
    options["power"] = eta + 1;
    if (eta == 0) options["s_noise"] = 0.0;
  }
  return sampler("er_sde", std::move(options));
}

Result<NodeResult> sa_solver(NodeCall& call) {
  diffusion::SamplerOptions options = options_of(
      call, {"s_noise", "predictor_order", "corrector_order", "use_pece", "simple_order_2"});
  options["tau_eta"] = call.get<double>("eta");
  options["tau_start_percent"] = call.get<double>("sde_start_percent");
  options["tau_end_percent"] = call.get<double>("sde_end_percent");
  return sampler("sa_solver", std::move(options));
}

// As most samplers that add noise declare them.
InputSpec eta_input(double at = 1.0, double most = 100.0) {
  return number("eta", at).range(0.0, most).step(0.01).no_rounding();
}

InputSpec s_noise_input(double most = 100.0) {
  return number("s_noise", 1.0).range(0.0, most).step(0.01).no_rounding();
}

NodeType sampler_node(const char* id, const char* label, const char* description) {
  NodeType node(id);
  node.label(label)
      .category("sampling/custom_sampling/samplers")
      .description(description)
      .output("SAMPLER");
  return node;
}

const RegisterNode kKSamplerSelect{
    sampler_node("KSamplerSelect", "KSamplerSelect", "A sampler by its name.")
        .input(sampler_name_input())
        .run(select_sampler)};

const RegisterNode kSamplerEulerAncestral{
    sampler_node("SamplerEulerAncestral", "SamplerEulerAncestral",
                 "Euler's method with noise added at each step.")
        .input(eta_input())
        .input(s_noise_input())
        .run(named("euler_ancestral", "eta", "s_noise"))};

const RegisterNode kSamplerEulerAncestralCFGPP{
    sampler_node("SamplerEulerAncestralCFGPP", "SamplerEulerAncestralCFG++",
                 "Euler's method with noise, guided by CFG++.")
        .input(eta_input(1.0, 1.0))
        .input(s_noise_input(10.0))
        .run(named("euler_ancestral_cfg_pp", "eta", "s_noise"))};

const RegisterNode kSamplerEulerCFGpp{NodeType("SamplerEulerCFGpp")
                                          .label("SamplerEulerCFG++")
                                          .category("_for_testing")
                                          .description("Euler's method guided by CFG++.")
                                          .input(choice("version", {"regular", "alternative"}))
                                          .output("SAMPLER")
                                          .experimental()
                                          .run(euler_cfg_pp)};

const RegisterNode kSamplerLCMUpscale{
    sampler_node("SamplerLCMUpscale", "SamplerLCMUpscale",
                 "The sampler of latent consistency models for an image that grows from step "
                 "to step. scale_steps -1: in the first half of them.")
        .input(number("scale_ratio", 1.0).range(0.1, 20.0).step(0.01))
        .input(integer("scale_steps", -1).range(-1, 1000).step(1))
        .input(
            choice("upscale_method", {"bislerp", "nearest-exact", "bilinear", "area", "bicubic"}))
        .run(lcm_upscale)};

const RegisterNode kSamplerLMS{
    sampler_node("SamplerLMS", "SamplerLMS", "A linear multistep method.")
        .input(integer("order", 4).range(1, 100))
        .run(named("lms", "order"))};

const RegisterNode kSamplerdpmpp3MSde{
    sampler_node("SamplerDPMPP_3M_SDE", "SamplerDPMPP_3M_SDE",
                 "DPM-Solver++ for the SDE, of third order, over three steps.")
        .input(eta_input())
        .input(s_noise_input())
        .input(choice("noise_device", {"gpu", "cpu"}))
        .run(sde("dpmpp_3m_sde", false, false))};

const RegisterNode kSamplerdpmpp2MSde{
    sampler_node("SamplerDPMPP_2M_SDE", "SamplerDPMPP_2M_SDE",
                 "DPM-Solver++ for the SDE, of second order, over two steps.")
        .input(choice("solver_type", {"midpoint", "heun"}))
        .input(eta_input())
        .input(s_noise_input())
        .input(choice("noise_device", {"gpu", "cpu"}))
        .run(sde("dpmpp_2m_sde", false, true))};

const RegisterNode kSamplerdpmppSde{
    sampler_node("SamplerDPMPP_SDE", "SamplerDPMPP_SDE",
                 "DPM-Solver++ for the SDE, of second order, with a point inside each step.")
        .input(eta_input())
        .input(s_noise_input())
        .input(number("r", 0.5).range(0.0, 100.0).step(0.01).no_rounding())
        .input(choice("noise_device", {"gpu", "cpu"}))
        .run(sde("dpmpp_sde", true, false))};

const RegisterNode kSamplerdpmpp2SAncestral{
    sampler_node("SamplerDPMPP_2S_Ancestral", "SamplerDPMPP_2S_Ancestral",
                 "DPM-Solver++ of second order with noise added at each step.")
        .input(eta_input())
        .input(s_noise_input())
        .run(named("dpmpp_2s_ancestral", "eta", "s_noise"))};

const RegisterNode kSamplerDPMAdaptative{
    sampler_node("SamplerDPMAdaptative", "SamplerDPMAdaptative",
                 "DPM-Solver that chooses its steps by the error it makes.")
        .input(integer("order", 3).range(2, 3))
        .input(number("rtol", 0.05).range(0.0, 100.0).step(0.01).no_rounding())
        .input(number("atol", 0.0078).range(0.0, 100.0).step(0.01).no_rounding())
        .input(number("h_init", 0.05).range(0.0, 100.0).step(0.01).no_rounding())
        .input(number("pcoeff", 0.0).range(0.0, 100.0).step(0.01).no_rounding())
        .input(number("icoeff", 1.0).range(0.0, 100.0).step(0.01).no_rounding())
        .input(number("dcoeff", 0.0).range(0.0, 100.0).step(0.01).no_rounding())
        .input(number("accept_safety", 0.81).range(0.0, 100.0).step(0.01).no_rounding())
        .input(eta_input(0.0))
        .input(s_noise_input())
        .run(named("dpm_adaptive", "order", "rtol", "atol", "h_init", "pcoeff", "icoeff", "dcoeff",
                   "accept_safety", "eta", "s_noise"))};

const RegisterNode kSamplererSde{
    sampler_node("SamplerER_SDE", "SamplerER_SDE", "Extended reverse-time SDE solver.")
        .input(choice("solver_type", {"ER-SDE", "Reverse-time SDE", "ODE"}))
        .input(integer("max_stage", 3).range(1, 3))
        .input(eta_input())
        .input(s_noise_input())
        .run(er_sde)};

const RegisterNode kSamplerSASolver{
    sampler_node("SamplerSASolver", "SamplerSASolver", "Stochastic Adams solver.")
        .input(socket("model", "MODEL"))
        .input(eta_input(1.0, 10.0))
        .input(number("sde_start_percent", 0.2).range(0.0, 1.0).step(0.001))
        .input(number("sde_end_percent", 0.8).range(0.0, 1.0).step(0.001))
        .input(s_noise_input())
        .input(integer("predictor_order", 3).range(1, 6))
        .input(integer("corrector_order", 4).range(0, 6))
        .input(toggle("use_pece"))
        .input(toggle("simple_order_2"))
        .run(sa_solver)};

}  // namespace
}  // namespace obscura::nodes
