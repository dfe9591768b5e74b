// RES (Zhang et al., arXiv:2308.02157): an exponential integrator of second order over two
// predictions, t = -log sigma.
#include <cmath>
#include <utility>

#include "diffusion/samplers/ancestral.h"
#include "diffusion/samplers/families.h"

namespace obscura::diffusion {
namespace {

Result<Tensor> solve_res_multistep(Solver& run, Tensor start, bool cfg_pp) {
  double eta = run.number("eta"), s_noise = run.number("s_noise");
  Tensor previous;
  double previous_down = 0;
  auto advance = [&](int i, Tensor x, const Denoised& denoised) -> Result<Tensor> {
    double sigma = run.sigma(i);
    AncestralStep step = ancestral_step(sigma, run.sigma(i + 1), eta);
    double kept = step.down / sigma;
    // CFG++: the prediction that is extrapolated is the unconditional one, and guidance shifts x
    // itself.
    const Tensor& slope_x0 = cfg_pp ? denoised.uncond_x0 : denoised.x0;
    if (step.down == 0 || i == 0) {
      x = cfg_pp ? weighted_sum({{1, denoised.x0}, {kept, x}, {-kept, denoised.uncond_x0}})
                 : weighted_sum({{kept, x}, {1 - kept, denoised.x0}});
    } else {
      double h = std::log(sigma / step.down);
      // Where the previous prediction lies, in units of h; with noise that is counted from where
      // that step had gone down to.
      double c_2 = std::log(previous_down / run.sigma(i - 1)) / h;
      double phi_1 = std::expm1(-h) / -h, phi_2 = (phi_1 - 1) / -h;
      double b_2 = c_2 == 0 ? 0 : phi_2 / c_2, b_1 = c_2 == 0 ? 0 : phi_1 - b_2;
      std::vector<Term> terms = {{kept, x}, {h * b_1, slope_x0}, {h * b_2, previous}};
      if (cfg_pp) {
        terms.push_back({kept, denoised.x0});
        terms.push_back({-kept, denoised.uncond_x0});
      }
      x = weighted_sum(terms);
    }
    x = renoise(run, std::move(x), step, s_noise, i);
    previous = slope_x0;
    previous_down = step.down;
    return x;
  };
  return run.each_step(std::move(start), advance);
}

}  // namespace

Result<Tensor> solve_res_multistep(Solver& run, Tensor x) {
  return solve_res_multistep(run, std::move(x), false);
}
Result<Tensor> solve_res_multistep_cfg_pp(Solver& run, Tensor x) {
  return solve_res_multistep(run, std::move(x), true);
}

}  // namespace obscura::diffusion
