// SDE-DPM-Solver++ of second order with an inner point (k-diffusion's "DPM++ SDE", after
// arXiv:2211.01095).
#include <cmath>
#include <utility>

#include "diffusion/samplers/ancestral.h"
#include "diffusion/samplers/families.h"

namespace obscura::diffusion {
namespace {

// From sigma to sigma_next with x0 held: an ancestral step in the variable sigma / alpha.
Tensor sde_step(Solver& run, const Tensor& x, const Tensor& x0, double sigma, double sigma_next) {
  const NoiseSchedule& model = run.model();
  double alpha = model.alpha(sigma), alpha_next = model.alpha(sigma_next);
  double eta = run.number("eta"), s_noise = run.number("s_noise");
  AncestralStep step = ancestral_step(sigma / alpha, sigma_next / alpha_next, eta);
  double kept = step.down / (sigma / alpha);
  Tensor stepped = weighted_sum({{alpha_next / alpha * kept, x}, {alpha_next * (1 - kept), x0}});
  return run.with_noise(std::move(stepped), eta > 0 ? alpha_next * s_noise * step.up : 0, sigma,
                        sigma_next);
}

}  // namespace

Result<Tensor> solve_dpmpp_sde(Solver& run, Tensor start) {
  run.avoid_zero_snr();
  const NoiseSchedule& model = run.model();
  double r = run.number("r");
  auto advance = [&](int i, Tensor x, const Denoised& denoised) -> Result<Tensor> {
    double sigma = run.sigma(i), sigma_next = run.sigma(i + 1);
    double lambda = model.half_log_snr(sigma);
    double inner =
        model.sigma_of_half_log_snr(lambda + r * (model.half_log_snr(sigma_next) - lambda));
    Tensor x_inner = sde_step(run, x, denoised.x0, sigma, inner);
    OBSCURA_ASSIGN(Denoised at_inner, run.denoise(x_inner, inner));
    double share = 1 / (2 * r);
    Tensor x0 = weighted_sum({{1 - share, denoised.x0}, {share, at_inner.x0}});
    return sde_step(run, x, x0, sigma, sigma_next);
  };
  return run.each_step_to_x0(std::move(start), advance);
}

}  // namespace obscura::diffusion
