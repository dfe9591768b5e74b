#include "diffusion/sampler.h"

#include <cmath>

#include "diffusion/samplers/families.h"
#include "diffusion/samplers/solver.h"

namespace obscura::diffusion {
namespace {

using Options = std::vector<SamplerOption>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

const SamplerOption kSNoise = {"s_noise", 1.0, 0, 100, {}};

Options churn_options() {
  return {{"s_churn", 0.0, 0, kInfinity, {}},
          {"s_tmin", 0.0, 0, kInfinity, {}},
          {"s_tmax", kInfinity, 0, kInfinity, {}},
          kSNoise};
}

Options noise_options(double eta = 1) {
  return {{"eta", eta, 0, 100, {}}, kSNoise};
}

Options with(Options options, SamplerOption further) {
  options.push_back(std::move(further));
  return options;
}

Options adaptive_options() {
  return {{"order", 3.0, 2, 3, {}},     {"rtol", 0.05, 0, 100, {}},
          {"atol", 0.0078, 0, 100, {}}, {"h_init", 0.05, 1e-6, 100, {}},
          {"pcoeff", 0.0, 0, 100, {}},  {"icoeff", 1.0, 0, 100, {}},
          {"dcoeff", 0.0, 0, 100, {}},  {"accept_safety", 0.81, 0, 100, {}},
          {"eta", 0.0, 0, 100, {}},     kSNoise};
}

Options order_option(std::string_view name, double value, double lowest, double highest) {
  return {{name, value, lowest, highest, {}}};
}

// Where an inner point of a step lies, 1 being its end.
SamplerOption inner_point(std::string_view name, double value, double highest) {
  return {name, value, 1e-3, highest, {}};
}

Options dpmpp_2m_sde_options(const char* solver_type) {
  return with(noise_options(), {"solver_type", solver_type, 0, 0, {"midpoint", "heun"}});
}

Options er_sde_options() {
  return {kSNoise,
          {"noise_scaler", "default", 0, 0, {"default", "power"}},
          {"power", 1.0, 1, 101, {}},
          {"max_stage", 3.0, 1, 3, {}}};
}

Options sa_solver_options(bool pece) {
  return {{"tau_eta", 1.0, 0, 10, {}},
          {"tau_start_percent", 0.2, 0, 1, {}},
          {"tau_end_percent", 0.8, 0, 1, {}},
          kSNoise,
          {"predictor_order", 3.0, 1, 6, {}},
          {"corrector_order", 4.0, 0, 6, {}},
          {"use_pece", pece ? 1.0 : 0.0, 0, 1, {}},
          {"simple_order_2", 0.0, 0, 1, {}}};
}

// A deterministic sampler whose options may ask for noise.
Sampler quiet(std::string_view name, Result<Tensor> (*solve)(Solver&, Tensor),
              Options options = {}) {
  bool may_draw = false;
  for (const SamplerOption& option : options) may_draw |= option.name == "s_noise";
  return {.name = name,
          .solve = solve,
          .options = std::move(options),
          .noise = may_draw ? NoiseKind::kGaussian : NoiseKind::kNone};
}

Sampler noisy(std::string_view name, Result<Tensor> (*solve)(Solver&, Tensor), Options options,
              NoiseKind noise = NoiseKind::kGaussian) {
  return {.name = name,
          .solve = solve,
          .options = std::move(options),
          .noise = noise,
          .stochastic = true};
}

Sampler brownian(std::string_view name, Result<Tensor> (*solve)(Solver&, Tensor), Options options) {
  return noisy(name, solve, std::move(options), NoiseKind::kBrownian);
}

Sampler cfg_pp(Sampler sampler) {
  sampler.needs_uncond = true;
  return sampler;
}

Sampler penultimate_discarded(Sampler sampler) {
  sampler.discard_penultimate = true;
  return sampler;
}

Sampler ddim() {
  Sampler sampler = quiet("ddim", solve_euler, churn_options());
  sampler.fresh_mask_noise = true;
  return sampler;
}

std::vector<Sampler> make_registry() {
  constexpr double kInside = 0.999;
  return {
      quiet("euler", solve_euler, churn_options()),
      cfg_pp(quiet("euler_cfg_pp", solve_euler_ancestral_cfg_pp, noise_options(0))),
      noisy("euler_ancestral", solve_euler_ancestral, noise_options()),
      cfg_pp(noisy("euler_ancestral_cfg_pp", solve_euler_ancestral_cfg_pp, noise_options())),
      quiet("heun", solve_heun, churn_options()),
      quiet("heunpp2", solve_heunpp2, churn_options()),
      penultimate_discarded(quiet("dpm_2", solve_dpm_2, churn_options())),
      penultimate_discarded(noisy("dpm_2_ancestral", solve_dpm_2_ancestral, noise_options())),
      quiet("lms", solve_lms, order_option("order", 4, 1, 100)),
      quiet("dpm_fast", solve_dpm_fast, noise_options(0)),
      quiet("dpm_adaptive", solve_dpm_adaptive, adaptive_options()),
      noisy("dpmpp_2s_ancestral", solve_dpmpp_2s_ancestral, noise_options()),
      cfg_pp(noisy("dpmpp_2s_ancestral_cfg_pp", solve_dpmpp_2s_ancestral_cfg_pp, noise_options())),
      brownian("dpmpp_sde", solve_dpmpp_sde, with(noise_options(), inner_point("r", 0.5, 100))),
      brownian("dpmpp_sde_gpu", solve_dpmpp_sde, with(noise_options(), inner_point("r", 0.5, 100))),
      quiet("dpmpp_2m", solve_dpmpp_2m),
      cfg_pp(quiet("dpmpp_2m_cfg_pp", solve_dpmpp_2m_cfg_pp)),
      brownian("dpmpp_2m_sde", solve_dpmpp_2m_sde, dpmpp_2m_sde_options("midpoint")),
      brownian("dpmpp_2m_sde_gpu", solve_dpmpp_2m_sde, dpmpp_2m_sde_options("midpoint")),
      brownian("dpmpp_2m_sde_heun", solve_dpmpp_2m_sde, dpmpp_2m_sde_options("heun")),
      brownian("dpmpp_2m_sde_heun_gpu", solve_dpmpp_2m_sde, dpmpp_2m_sde_options("heun")),
      brownian("dpmpp_3m_sde", solve_dpmpp_3m_sde, noise_options()),
      brownian("dpmpp_3m_sde_gpu", solve_dpmpp_3m_sde, noise_options()),
      noisy("ddpm", solve_ddpm, {}),
      noisy("lcm", solve_lcm, {}),
      quiet("ipndm", solve_ipndm, order_option("max_order", 4, 1, 4)),
      quiet("ipndm_v", solve_ipndm_v, order_option("max_order", 4, 1, 4)),
      quiet("deis", solve_deis, order_option("max_order", 3, 1, 4)),
      quiet("res_multistep", solve_res_multistep, noise_options(0)),
      cfg_pp(quiet("res_multistep_cfg_pp", solve_res_multistep_cfg_pp, noise_options(0))),
      noisy("res_multistep_ancestral", solve_res_multistep, noise_options()),
      cfg_pp(noisy("res_multistep_ancestral_cfg_pp", solve_res_multistep_cfg_pp, noise_options())),
      quiet("gradient_estimation", solve_gradient_estimation, order_option("ge_gamma", 2, 1, 5)),
      cfg_pp(quiet("gradient_estimation_cfg_pp", solve_gradient_estimation_cfg_pp,
                   order_option("ge_gamma", 2, 1, 5))),
      noisy("er_sde", solve_er_sde, er_sde_options()),
      noisy("seeds_2", solve_seeds_2, with(noise_options(), inner_point("r", 0.5, kInside))),
      noisy("seeds_3", solve_seeds_3,
            with(with(noise_options(), inner_point("r_1", 1.0 / 3, kInside)),
                 inner_point("r_2", 2.0 / 3, kInside))),
      noisy("sa_solver", solve_sa_solver, sa_solver_options(false)),
      noisy("sa_solver_pece", solve_sa_solver, sa_solver_options(true)),
      ddim(),
      penultimate_discarded(quiet("uni_pc", solve_uni_pc)),
      penultimate_discarded(quiet("uni_pc_bh2", solve_uni_pc_bh2)),
  };
}

Error bad_option(const Sampler& sampler, std::string_view option, const std::string& wanted) {
  return Error(ErrorKind::kInvalidInput,
               "[" + std::string(sampler.name) + "] option " + std::string(option) + " " + wanted);
}

Status check_option(const Sampler& sampler, const SamplerOption& option, const OptionValue& value) {
  if (value.index() != option.default_value.index()) {
    return bad_option(sampler, option.name,
                      option.choices.empty() ? "wants a number" : "wants a word");
  }
  if (const auto* number = std::get_if<double>(&value)) {
    if (*number >= option.lowest && *number <= option.highest) return {};
    return bad_option(sampler, option.name,
                      "wants " + std::to_string(option.lowest) + "…" +
                          std::to_string(option.highest) + ", got " + std::to_string(*number));
  }
  const auto& word = std::get<std::string>(value);
  std::string known;
  for (std::string_view choice : option.choices) {
    if (choice == word) return {};
    known += (known.empty() ? "" : ", ") + std::string(choice);
  }
  return bad_option(sampler, option.name, "wants one of " + known + "; got \"" + word + "\"");
}

// Every option of the sampler, with the given values in place of the defaults.
Result<SamplerOptions> complete_options(const Sampler& sampler, const SamplerOptions& given) {
  SamplerOptions all;
  for (const SamplerOption& option : sampler.options)
    all[std::string(option.name)] = option.default_value;
  for (const auto& [name, value] : given) {
    if (!all.contains(name)) return bad_option(sampler, name, "does not exist");
    all[name] = value;
  }
  for (const SamplerOption& option : sampler.options) {
    OBSCURA_TRY(check_option(sampler, option, all.find(option.name)->second));
  }
  return all;
}

// Going back to noise is solving the same equation the other way, which only samplers without
// noise can do.
Status check_sigmas(const Sampler& sampler, const std::vector<float>& sigmas) {
  const bool rising = sigmas.size() > 1 && sigmas[0] < sigmas[1] && !sampler.stochastic;
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const float from = sigmas[i], to = sigmas[i + 1];
    const bool fits = rising ? from > 0 && to > from && std::isfinite(to)
                             : from > to && to >= 0 && std::isfinite(from);
    if (!fits) {
      return Error(ErrorKind::kInvalidInput, "[" + std::string(sampler.name) +
                                                 "] sigmas must descend to 0 or above; number " +
                                                 std::to_string(i) + " is " + std::to_string(from) +
                                                 ", the next " + std::to_string(to));
    }
  }
  return {};
}

Sampler lcm_upscale() {
  Sampler sampler = noisy("lcm_upscale", solve_lcm_upscale,
                          {{"total_upscale", 1.0, 0.1, 20, {}},
                           {"upscale_steps", -1.0, -1, 1000, {}},
                           {"upscale_method",
                            "bislerp",
                            0,
                            0,
                            {"bislerp", "nearest-exact", "bilinear", "area", "bicubic"}}});
  sampler.resizes = true;
  return sampler;
}

// Samplers that ComfyUI knows by a node of their own only.
std::span<const Sampler> samplers_of_nodes() {
  static const std::vector<Sampler> of_nodes = {cfg_pp(quiet("euler_pp", solve_euler_pp)),
                                                lcm_upscale()};
  return of_nodes;
}

}  // namespace

std::span<const Sampler> samplers() {
  static const std::vector<Sampler> registry = make_registry();
  return registry;
}

Result<const Sampler*> find_sampler(std::string_view name) {
  for (const Sampler& sampler : samplers_of_nodes())
    if (sampler.name == name) return &sampler;
  std::string known;
  for (const Sampler& sampler : samplers()) {
    if (sampler.name == name) return &sampler;
    known += (known.empty() ? "" : ", ") + std::string(sampler.name);
  }
  return Error(ErrorKind::kInvalidInput,
               "[sampler] wants one of " + known + "; got \"" + std::string(name) + "\"");
}

Result<Tensor> sample(const Sampler& sampler, const SamplerRun& run, Tensor x) {
  OBSCURA_ASSIGN(SamplerOptions options, complete_options(sampler, run.options));
  OBSCURA_TRY(check_sigmas(sampler, run.sigmas));
  OBSCURA_TRY(run.cancel.check());
  if (run.sigmas.size() < 2) return x;
  Solver solver(sampler, run, std::move(options));
  return sampler.solve(solver, std::move(x));
}

}  // namespace obscura::diffusion
