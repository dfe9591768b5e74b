#include "diffusion/samplers/ancestral.h"

#include <algorithm>
#include <cmath>

namespace obscura::diffusion {

AncestralStep ancestral_step(double sigma, double sigma_next, double eta) {
  double full =
      sigma_next * std::sqrt(std::max(0.0, 1 - sigma_next * sigma_next / (sigma * sigma)));
  double up = std::min(sigma_next, eta * full);
  return {std::sqrt(sigma_next * sigma_next - up * up), 1, up};
}

AncestralStep ancestral_step(const NoiseSchedule& model, double sigma, double sigma_next,
                             double eta) {
  if (!model.is_flow()) return ancestral_step(sigma, sigma_next, eta);
  double down = sigma_next * (1 + (sigma_next / sigma - 1) * eta);
  double scale = model.alpha(sigma_next) / model.alpha(down);
  double carried = down * scale;  // of the noise that is still in x
  return {down, scale, std::sqrt(std::max(0.0, sigma_next * sigma_next - carried * carried))};
}

Tensor renoise(Solver& run, Tensor x, const AncestralStep& step, double s_noise, int i) {
  if (run.sigma(i + 1) == 0) return x;
  if (step.scale != 1) x = weighted_sum({{step.scale, x}});
  return run.with_noise(std::move(x), s_noise * step.up, run.sigma(i), run.sigma(i + 1));
}

Churned churn(Solver& run, int i, Tensor x, bool discards_draws) {
  double sigma = run.sigma(i);
  double amount = run.number("s_churn");
  if (amount <= 0) return {std::move(x), sigma};
  if (sigma < run.number("s_tmin") || sigma > run.number("s_tmax")) {
    if (discards_draws) run.noise(sigma, run.sigma(i + 1));
    return {std::move(x), sigma};
  }
  double raised = sigma * (1 + std::min(amount / run.steps(), std::sqrt(2.0) - 1));
  double weight = run.number("s_noise") * std::sqrt(raised * raised - sigma * sigma);
  return {run.with_noise(std::move(x), weight, sigma, run.sigma(i + 1)), raised};
}

}  // namespace obscura::diffusion
