// KSamplerSelect, and a node for each sampler that has options.
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

Result<NodeResult> select(NodeCall& call) {
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

// The noise is drawn on the CPU whatever `noise_device` says, so that a picture does not depend on
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

const RegisterNode kKSamplerSelect{NodeType("KSamplerSelect")
                                       .label("KSamplerSelect")
                                       .category("sampling/custom_sampling/samplers")
                                       .description("A sampler by its name.")
                                       .input(sampler_name_input())
                                       .output("SAMPLER")
                                       .run(select)};

const RegisterNode kSamplerEulerAncestral{
    NodeType("SamplerEulerAncestral")
        .label("SamplerEulerAncestral")
        .category("sampling/custom_sampling/samplers")
        .description("Euler's method with noise added at each step.")
        .input(number("eta", 1.0).range(0.0, 100.0).step(0.01).no_rounding())
        .input(number("s_noise", 1.0).range(0.0, 100.0).step(0.01).no_rounding())
        .output("SAMPLER")
        .run(named("euler_ancestral", "eta", "s_noise"))};

const RegisterNode kSamplerEulerAncestralCFGPP{
    NodeType("SamplerEulerAncestralCFGPP")
        .label("SamplerEulerAncestralCFG++")
        .category("sampling/custom_sampling/samplers")
        .description("Euler's method with noise, guided by CFG++.")
        .input(number("eta", 1.0).range(0.0, 1.0).step(0.01).no_rounding())
        .input(number("s_noise", 1.0).range(0.0, 10.0).step(0.01).no_rounding())
        .output("SAMPLER")
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
    NodeType("SamplerLCMUpscale")
        .label("SamplerLCMUpscale")
        .category("sampling/custom_sampling/samplers")
        .description("The sampler of latent consistency models for a picture that grows from step "
                     "to step. scale_steps -1: in the first half of them.")
        .input(number("scale_ratio", 1.0).range(0.1, 20.0).step(0.01))
        .input(integer("scale_steps", -1).range(-1, 1000).step(1))
        .input(
            choice("upscale_method", {"bislerp", "nearest-exact", "bilinear", "area", "bicubic"}))
        .output("SAMPLER")
        .run(lcm_upscale)};

const RegisterNode kSamplerLMS{NodeType("SamplerLMS")
                                   .label("SamplerLMS")
                                   .category("sampling/custom_sampling/samplers")
                                   .description("A linear multistep method.")
                                   .input(integer("order", 4).range(1, 100))
                                   .output("SAMPLER")
                                   .run(named("lms", "order"))};

const RegisterNode kSamplerdpmpp3MSde{
    NodeType("SamplerDPMPP_3M_SDE")
        .label("SamplerDPMPP_3M_SDE")
        .category("sampling/custom_sampling/samplers")
        .description("DPM-Solver++ for the SDE, of third order, over three steps.")
        .input(number("eta", 1.0).range(0.0, 100.0).step(0.01).no_rounding())
        .input(number("s_noise", 1.0).range(0.0, 100.0).step(0.01).no_rounding())
        .input(choice("noise_device", {"gpu", "cpu"}))
        .output("SAMPLER")
        .run(sde("dpmpp_3m_sde", false, false))};

const RegisterNode kSamplerdpmpp2MSde{
    NodeType("SamplerDPMPP_2M_SDE")
        .label("SamplerDPMPP_2M_SDE")
        .category("sampling/custom_sampling/samplers")
        .description("DPM-Solver++ for the SDE, of second order, over two steps.")
        .input(choice("solver_type", {"midpoint", "heun"}))
        .input(number("eta", 1.0).range(0.0, 100.0).step(0.01).no_rounding())
        .input(number("s_noise", 1.0).range(0.0, 100.0).step(0.01).no_rounding())
        .input(choice("noise_device", {"gpu", "cpu"}))
        .output("SAMPLER")
        .run(sde("dpmpp_2m_sde", false, true))};

const RegisterNode kSamplerdpmppSde{
    NodeType("SamplerDPMPP_SDE")
        .label("SamplerDPMPP_SDE")
        .category("sampling/custom_sampling/samplers")
        .description("DPM-Solver++ for the SDE, of second order, with a point inside each step.")
        .input(number("eta", 1.0).range(0.0, 100.0).step(0.01).no_rounding())
        .input(number("s_noise", 1.0).range(0.0, 100.0).step(0.01).no_rounding())
        .input(number("r", 0.5).range(0.0, 100.0).step(0.01).no_rounding())
        .input(choice("noise_device", {"gpu", "cpu"}))
        .output("SAMPLER")
        .run(sde("dpmpp_sde", true, false))};

const RegisterNode kSamplerdpmpp2SAncestral{
    NodeType("SamplerDPMPP_2S_Ancestral")
        .label("SamplerDPMPP_2S_Ancestral")
        .category("sampling/custom_sampling/samplers")
        .description("DPM-Solver++ of second order with noise added at each step.")
        .input(number("eta", 1.0).range(0.0, 100.0).step(0.01).no_rounding())
        .input(number("s_noise", 1.0).range(0.0, 100.0).step(0.01).no_rounding())
        .output("SAMPLER")
        .run(named("dpmpp_2s_ancestral", "eta", "s_noise"))};

const RegisterNode kSamplerDPMAdaptative{
    NodeType("SamplerDPMAdaptative")
        .label("SamplerDPMAdaptative")
        .category("sampling/custom_sampling/samplers")
        .description("DPM-Solver that chooses its steps by the error it makes.")
        .input(integer("order", 3).range(2, 3))
        .input(number("rtol", 0.05).range(0.0, 100.0).step(0.01).no_rounding())
        .input(number("atol", 0.0078).range(0.0, 100.0).step(0.01).no_rounding())
        .input(number("h_init", 0.05).range(0.0, 100.0).step(0.01).no_rounding())
        .input(number("pcoeff", 0.0).range(0.0, 100.0).step(0.01).no_rounding())
        .input(number("icoeff", 1.0).range(0.0, 100.0).step(0.01).no_rounding())
        .input(number("dcoeff", 0.0).range(0.0, 100.0).step(0.01).no_rounding())
        .input(number("accept_safety", 0.81).range(0.0, 100.0).step(0.01).no_rounding())
        .input(number("eta", 0.0).range(0.0, 100.0).step(0.01).no_rounding())
        .input(number("s_noise", 1.0).range(0.0, 100.0).step(0.01).no_rounding())
        .output("SAMPLER")
        .run(named("dpm_adaptive", "order", "rtol", "atol", "h_init", "pcoeff", "icoeff", "dcoeff",
                   "accept_safety", "eta", "s_noise"))};

const RegisterNode kSamplererSde{
    NodeType("SamplerER_SDE")
        .label("SamplerER_SDE")
        .category("sampling/custom_sampling/samplers")
        .description("Extended reverse-time SDE solver.")
        .input(choice("solver_type", {"ER-SDE", "Reverse-time SDE", "ODE"}))
        .input(integer("max_stage", 3).range(1, 3))
        .input(number("eta", 1.0).range(0.0, 100.0).step(0.01).no_rounding())
        .input(number("s_noise", 1.0).range(0.0, 100.0).step(0.01).no_rounding())
        .output("SAMPLER")
        .run(er_sde)};

const RegisterNode kSamplerSASolver{
    NodeType("SamplerSASolver")
        .label("SamplerSASolver")
        .category("sampling/custom_sampling/samplers")
        .description("Stochastic Adams solver.")
        .input(socket("model", "MODEL"))
        .input(number("eta", 1.0).range(0.0, 10.0).step(0.01).no_rounding())
        .input(number("sde_start_percent", 0.2).range(0.0, 1.0).step(0.001))
        .input(number("sde_end_percent", 0.8).range(0.0, 1.0).step(0.001))
        .input(number("s_noise", 1.0).range(0.0, 100.0).step(0.01).no_rounding())
        .input(integer("predictor_order", 3).range(1, 6))
        .input(integer("corrector_order", 4).range(0, 6))
        .input(toggle("use_pece"))
        .input(toggle("simple_order_2"))
        .output("SAMPLER")
        .run(sa_solver)};

}  // namespace
}  // namespace obscura::nodes
