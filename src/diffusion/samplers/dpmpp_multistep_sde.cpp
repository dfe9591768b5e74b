// SDE-DPM-Solver++ as multistep methods of second and third order (arXiv:2211.01095, section 5; the
// third order is k-diffusion's). lambda = ln(alpha / sigma); with eta the effective step is h * (1
// + eta).
#include <cmath>
#include <utility>

#include "diffusion/samplers/families.h"
#include "diffusion/samplers/solver.h"

namespace obscura::diffusion {
namespace {

// What both orders share: the first-order step, and the noise at its end.
struct SdeStep {
  double h;          // in lambda
  double h_eta;      // h * (1 + eta)
  double alpha;      // at the end
  double kept;       // weight of x
  double deviation;  // of the noise
};

SdeStep sde_step(Solver& run, int i) {
  const NoiseSchedule& model = run.model();
  double eta = run.number("eta");
  double sigma = run.sigma(i), sigma_next = run.sigma(i + 1);
  double h = model.half_log_snr(sigma_next) - model.half_log_snr(sigma);
  return {h, h * (1 + eta), model.alpha(sigma_next), sigma_next / sigma * std::exp(-h * eta),
          run.number("s_noise") * sigma_next * std::sqrt(-std::expm1(-2 * h * eta))};
}

}  // namespace

Result<Tensor> solve_dpmpp_2m_sde(Solver& run, Tensor start) {
  run.avoid_zero_snr();
  bool heun = run.text("solver_type") == "heun";
  Tensor previous;
  double previous_h = 0;
  auto advance = [&](int i, Tensor x, const Denoised& denoised) -> Result<Tensor> {
    double sigma_next = run.sigma(i + 1);
    SdeStep step = sde_step(run, i);
    double gain = -std::expm1(-step.h_eta);
    if (i == 0) {
      x = weighted_sum({{step.kept, x}, {step.alpha * gain, denoised.x0}});
    } else {
      // Of the slope between the last two predictions.
      double bend = (heun ? 1 - gain / step.h_eta : gain / 2) * step.h / previous_h;
      x = weighted_sum({{step.kept, x},
                        {step.alpha * (gain + bend), denoised.x0},
                        {-step.alpha * bend, previous}});
    }
    x = run.with_noise(std::move(x), step.deviation, run.sigma(i), sigma_next);
    previous = denoised.x0;
    previous_h = step.h;
    return x;
  };
  return run.each_step_to_x0(std::move(start), advance);
}

Result<Tensor> solve_dpmpp_3m_sde(Solver& run, Tensor start) {
  run.avoid_zero_snr();
  Tensor x0_1, x0_2;  // one and two steps back
  double h_1 = 0, h_2 = 0;
  auto advance = [&](int i, Tensor x, const Denoised& denoised) -> Result<Tensor> {
    double sigma_next = run.sigma(i + 1);
    SdeStep step = sde_step(run, i);
    double gain = -std::expm1(-step.h_eta);
    double phi_2 = 1 - gain / step.h_eta, phi_3 = phi_2 / step.h_eta - 0.5;
    x = weighted_sum({{step.kept, x}, {step.alpha * gain, denoised.x0}});
    if (i == 1) {
      double weight = step.alpha * phi_2 * step.h / h_1;
      x = weighted_sum({{1, x}, {weight, denoised.x0}, {-weight, x0_1}});
    } else if (i >= 2) {
      double r_0 = h_1 / step.h, r_1 = h_2 / step.h;
      // Divided differences of the predictions, and from them the first and second derivative.
      Tensor slope_0 = weighted_sum({{1 / r_0, denoised.x0}, {-1 / r_0, x0_1}});
      Tensor slope_1 = weighted_sum({{1 / r_1, x0_1}, {-1 / r_1, x0_2}});
      double bend = (phi_2 * r_0 - phi_3) / (r_0 + r_1);
      x = weighted_sum(
          {{1, x}, {step.alpha * (phi_2 + bend), slope_0}, {-step.alpha * bend, slope_1}});
    }
    x = run.with_noise(std::move(x), step.deviation, run.sigma(i), sigma_next);
    x0_2 = x0_1;
    x0_1 = denoised.x0;
    h_2 = h_1;
    h_1 = step.h;
    return x;
  };
  return run.each_step_to_x0(std::move(start), advance);
}

}  // namespace obscura::diffusion
