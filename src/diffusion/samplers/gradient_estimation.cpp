// Gradient estimation (Permenter and Yuan, arXiv:2306.04848): Euler's step along a slope
// extrapolated from the last two.
#include <utility>

#include "diffusion/samplers/families.h"
#include "diffusion/samplers/solver.h"

namespace obscura::diffusion {
namespace {

Result<Tensor> solve_by_gradient(Solver& run, Tensor start, bool cfg_pp) {
  double gamma = run.number("ge_gamma");
  Tensor previous;
  auto advance = [&](int i, Tensor x, const Denoised& denoised) -> Result<Tensor> {
    double sigma = run.sigma(i), sigma_next = run.sigma(i + 1);
    const Tensor& slope_x0 = cfg_pp ? denoised.uncond_x0 : denoised.x0;
    Tensor d = weighted_sum({{1 / sigma, x}, {-1 / sigma, slope_x0}});
    // x0 + sigma_next * d is Euler's step, from the guided prediction along the slope.
    std::vector<Term> terms = {{1, denoised.x0}, {sigma_next, d}};
    if (i > 0 && sigma_next > 0) {
      double weight = (gamma - 1) * (sigma_next - sigma);
      terms.push_back({weight, d});
      terms.push_back({-weight, previous});
    }
    x = weighted_sum(terms);
    previous = d;
    return x;
  };
  return run.each_step(std::move(start), advance);
}

}  // namespace

Result<Tensor> solve_gradient_estimation(Solver& run, Tensor x) {
  return solve_by_gradient(run, std::move(x), false);
}
Result<Tensor> solve_gradient_estimation_cfg_pp(Solver& run, Tensor x) {
  return solve_by_gradient(run, std::move(x), true);
}

}  // namespace obscura::diffusion
