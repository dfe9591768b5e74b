// The second-order single-step solver of Karras et al. with the midpoint in log sigma
// (k-diffusion's "DPM2").
#include <cmath>
#include <utility>

#include "diffusion/samplers/ancestral.h"
#include "diffusion/samplers/families.h"

namespace obscura::diffusion {
namespace {

// From sigma to `down` by the slope at their geometric mean; straight to x0's side where `down` is
// 0.
Result<Tensor> midpoint_step(Solver& run, const Tensor& x, const Tensor& x0, double sigma,
                             double down) {
  if (down == 0) return x0;
  double middle = std::sqrt(sigma * down);
  Tensor x_mid = weighted_sum({{middle / sigma, x}, {1 - middle / sigma, x0}});
  OBSCURA_ASSIGN(Denoised at_middle, run.denoise(x_mid, middle));
  double weight = (down - sigma) / middle;
  return weighted_sum({{1, x}, {weight, x_mid}, {-weight, at_middle.x0}});
}

}  // namespace

Result<Tensor> solve_dpm_2(Solver& run, Tensor x) {
  for (int i = 0; i < run.steps(); ++i) {
    Churned start = churn(run, i, std::move(x));
    OBSCURA_ASSIGN(Denoised denoised, run.begin_step(i, start.x, start.sigma));
    OBSCURA_ASSIGN(x, midpoint_step(run, start.x, denoised.x0, start.sigma, run.sigma(i + 1)));
  }
  return x;
}

Result<Tensor> solve_dpm_2_ancestral(Solver& run, Tensor start) {
  double eta = run.number("eta"), s_noise = run.number("s_noise");
  auto advance = [&](int i, Tensor x, const Denoised& denoised) -> Result<Tensor> {
    AncestralStep step = ancestral_step(run.model(), run.sigma(i), run.sigma(i + 1), eta);
    OBSCURA_ASSIGN(x, midpoint_step(run, x, denoised.x0, run.sigma(i), step.down));
    return renoise(run, std::move(x), step, s_noise, i);
  };
  return run.each_step(std::move(start), advance);
}

}  // namespace obscura::diffusion
