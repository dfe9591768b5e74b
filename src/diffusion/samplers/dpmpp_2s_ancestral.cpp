// DPM-Solver++(2S), Lu et al., arXiv:2211.01095, algorithm 1, down to the ancestral step's `down`.
#include <cmath>
#include <utility>

#include "diffusion/samplers/ancestral.h"
#include "diffusion/samplers/families.h"

namespace obscura::diffusion {
namespace {

// Halfway to `down` in half log signal-to-noise. A flow's first sigma of 1 has none: start just
// below it.
double middle_sigma(const NoiseSchedule& model, double sigma, double down) {
  if (model.is_flow() && sigma == 1) return 0.9999;
  return model.sigma_of_half_log_snr((model.half_log_snr(sigma) + model.half_log_snr(down)) / 2);
}

}  // namespace

Result<Tensor> solve_dpmpp_2s_ancestral(Solver& run, Tensor start) {
  double eta = run.number("eta"), s_noise = run.number("s_noise");
  auto advance = [&](int i, Tensor x, const Denoised& denoised) -> Result<Tensor> {
    double sigma = run.sigma(i);
    AncestralStep step = ancestral_step(run.model(), sigma, run.sigma(i + 1), eta);
    Tensor x0 = denoised.x0;
    if (step.down > 0) {
      double middle = middle_sigma(run.model(), sigma, step.down);
      Tensor x_mid = weighted_sum({{middle / sigma, x}, {1 - middle / sigma, x0}});
      OBSCURA_ASSIGN(Denoised at_middle, run.denoise(x_mid, middle));
      x0 = at_middle.x0;
    }
    double kept = step.down / sigma;
    return renoise(run, weighted_sum({{kept, x}, {1 - kept, x0}}), step, s_noise, i);
  };
  return run.each_step(std::move(start), advance);
}

// CFG++: the noise is what separates x from the unconditional prediction, the newest one there is.
Result<Tensor> solve_dpmpp_2s_ancestral_cfg_pp(Solver& run, Tensor start) {
  double eta = run.number("eta"), s_noise = run.number("s_noise");
  auto advance = [&](int i, Tensor x, const Denoised& denoised) -> Result<Tensor> {
    double sigma = run.sigma(i);
    AncestralStep step = ancestral_step(sigma, run.sigma(i + 1), eta);
    if (step.down == 0) return denoised.x0;
    double half = std::sqrt(step.down / sigma), whole = step.down / sigma;
    // kept * (x + x0 - uncond_x0) + (1 - kept) * x0
    Tensor x_mid = weighted_sum({{half, x}, {1, denoised.x0}, {-half, denoised.uncond_x0}});
    OBSCURA_ASSIGN(Denoised at_middle, run.denoise(x_mid, std::sqrt(sigma * step.down)));
    x = weighted_sum({{whole, x},
                      {whole, denoised.x0},
                      {-whole, at_middle.uncond_x0},
                      {1 - whole, at_middle.x0}});
    return renoise(run, std::move(x), step, s_noise, i);
  };
  return run.each_step(std::move(start), advance);
}

}  // namespace obscura::diffusion
