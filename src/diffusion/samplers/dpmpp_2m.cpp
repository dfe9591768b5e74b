// DPM-Solver++(2M), Lu et al., arXiv:2211.01095, algorithm 2. Steps are in t = -log sigma.
#include <cmath>
#include <utility>

#include "diffusion/samplers/families.h"
#include "diffusion/samplers/solver.h"

namespace obscura::diffusion {

Result<Tensor> solve_dpmpp_2m(Solver& run, Tensor start) {
  Tensor previous;
  auto advance = [&](int i, Tensor x, const Denoised& denoised) -> Result<Tensor> {
    double sigma = run.sigma(i), sigma_next = run.sigma(i + 1);
    double h = std::log(sigma / sigma_next);
    double gain = -std::expm1(-h);  // 1 where sigma_next is 0 and h infinite
    double kept = sigma_next / sigma;
    if (i == 0 || sigma_next == 0) {
      x = weighted_sum({{kept, x}, {gain, denoised.x0}});
    } else {
      double r = std::log(run.sigma(i - 1) / sigma) / h;
      x = weighted_sum(
          {{kept, x}, {gain * (1 + 1 / (2 * r)), denoised.x0}, {-gain / (2 * r), previous}});
    }
    previous = denoised.x0;
    return x;
  };
  return run.each_step(std::move(start), advance);
}

// CFG++: what is carried over is the unconditional prediction.
Result<Tensor> solve_dpmpp_2m_cfg_pp(Solver& run, Tensor start) {
  Tensor previous_uncond;
  auto advance = [&](int i, Tensor x, const Denoised& denoised) -> Result<Tensor> {
    double sigma = run.sigma(i), sigma_next = run.sigma(i + 1);
    double h = std::log(sigma / sigma_next);
    double kept = sigma_next / sigma;
    if (i == 0 || sigma_next == 0) {
      x = weighted_sum({{kept, x}, {1, denoised.x0}, {-kept, denoised.uncond_x0}});
    } else {
      double r = std::log(run.sigma(i - 1) / sigma) / h;
      double bend = -std::expm1(-h) / (2 * r);
      x = weighted_sum({{kept, x},
                        {1 + bend, denoised.x0},
                        {-kept, denoised.uncond_x0},
                        {-bend, previous_uncond}});
    }
    previous_uncond = denoised.uncond_x0;
    return x;
  };
  return run.each_step(std::move(start), advance);
}

}  // namespace obscura::diffusion
