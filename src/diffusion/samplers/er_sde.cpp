// ER-SDE solver (Cui et al., arXiv:2309.06169), up to third order, in lambda = sigma / alpha.
//
// A function phi of lambda says how much of the noise is renewed: between the reverse SDE and the
// ODE, where phi(x) = x.
#include <algorithm>
#include <cmath>
#include <utility>

#include "diffusion/samplers/families.h"
#include "diffusion/samplers/solver.h"

namespace obscura::diffusion {
namespace {

// `power` 0: the paper's choice; else that power of lambda.
double phi(double power, double lambda) {
  if (power > 0) return std::pow(lambda, power);
  return lambda * (std::exp(std::pow(lambda, 0.3)) + 10);  // its table 1
}

}  // namespace

Result<Tensor> solve_er_sde(Solver& run, Tensor start) {
  constexpr int kPoints = 200;  // of the integrals over a step
  run.avoid_zero_snr();
  const NoiseSchedule& model = run.model();
  const double scaler = run.text("noise_scaler") == "power" ? run.number("power") : 0;
  int max_stage = run.integer("max_stage");
  auto lambda_at = [&](int i) { return run.sigma(i) / model.alpha(run.sigma(i)); };
  Tensor previous_x0, previous_slope;
  auto advance = [&](int i, Tensor x, const Denoised& denoised) -> Result<Tensor> {
    double sigma = run.sigma(i), sigma_next = run.sigma(i + 1);
    double lambda = lambda_at(i), lambda_next = lambda_at(i + 1);
    double alpha = model.alpha(sigma), alpha_next = model.alpha(sigma_next);
    double phi_next = phi(scaler, lambda_next);
    double r = phi_next / phi(scaler, lambda);
    x = weighted_sum({{alpha_next / alpha * r, x}, {alpha_next * (1 - r), denoised.x0}});

    int stage = std::min(max_stage, i + 1);
    if (stage >= 2) {
      double step = lambda_next - lambda, width = -step / kPoints;
      double area = 0, moment = 0;  // of 1 / phi over the step, and of (lambda' - lambda) / phi
      for (int p = 0; p < kPoints; ++p) {
        double point = lambda_next + p * width;
        area += width / phi(scaler, point);
        moment += width * (point - lambda) / phi(scaler, point);
      }
      double span = 1 / (lambda - lambda_at(i - 1));
      Tensor slope = weighted_sum({{span, denoised.x0}, {-span, previous_x0}});
      x = weighted_sum({{1, x}, {alpha_next * (step + area * phi_next), slope}});
      if (stage >= 3) {
        double weight =
            alpha_next * (step * step / 2 + moment * phi_next) * 2 / (lambda - lambda_at(i - 2));
        x = weighted_sum({{1, x}, {weight, slope}, {-weight, previous_slope}});
      }
      previous_slope = slope;
    }
    double renewed = std::sqrt(std::max(0.0, lambda_next * lambda_next - lambda * lambda * r * r));
    x = run.with_noise(std::move(x), run.number("s_noise") * alpha_next * renewed, sigma,
                       sigma_next);
    previous_x0 = denoised.x0;
    return x;
  };
  return run.each_step_to_x0(std::move(start), advance);
}

}  // namespace obscura::diffusion
