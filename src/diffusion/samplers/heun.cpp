// Heun's method: Euler's step, corrected with the slopes at the points ahead.
#include <algorithm>

#include "diffusion/samplers/ancestral.h"
#include "diffusion/samplers/families.h"

namespace obscura::diffusion {
namespace {

// dx/dsigma
Tensor slope(const Tensor& x, const Tensor& x0, double sigma) {
  return weighted_sum({{1 / sigma, x}, {-1 / sigma, x0}});
}

Result<Tensor> slope_at(Solver& run, const Tensor& x, double sigma) {
  OBSCURA_ASSIGN(Denoised denoised, run.denoise(x, sigma));
  return slope(x, denoised.x0, sigma);
}

}  // namespace

// Karras et al., arXiv:2206.00364, algorithm 2.
Result<Tensor> solve_heun(Solver& run, Tensor x) {
  for (int i = 0; i < run.steps(); ++i) {
    Churned start = churn(run, i, std::move(x));
    OBSCURA_ASSIGN(Denoised denoised, run.begin_step(i, start.x, start.sigma));
    Tensor d = slope(start.x, denoised.x0, start.sigma);
    double step = run.sigma(i + 1) - start.sigma;
    x = weighted_sum({{1, start.x}, {step, d}});
    if (run.sigma(i + 1) == 0) continue;
    OBSCURA_ASSIGN(Tensor d_next, slope_at(run, x, run.sigma(i + 1)));
    x = weighted_sum({{1, start.x}, {step / 2, d}, {step / 2, d_next}});
  }
  return x;
}

// Heun++ (Wang et al., arXiv:2310.15111 names the idea; the weights are those of k-diffusion's
// descendants): slopes at up to two points ahead, weighted by their sigma over the schedule's
// first.
Result<Tensor> solve_heunpp2(Solver& run, Tensor x) {
  for (int i = 0; i < run.steps(); ++i) {
    Churned start = churn(run, i, std::move(x), true);
    OBSCURA_ASSIGN(Denoised denoised, run.begin_step(i, start.x, start.sigma));
    Tensor d = slope(start.x, denoised.x0, start.sigma);
    double next = run.sigma(i + 1), step = next - start.sigma;
    int ahead = std::min(2, run.steps() - 1 - i);  // points ahead that are not the end
    Tensor x_2 = weighted_sum({{1, start.x}, {step, d}});
    if (ahead == 0) {
      x = x_2;
      continue;
    }
    OBSCURA_ASSIGN(Tensor d_2, slope_at(run, x_2, next));
    double w_2 = next / ((ahead + 1) * run.sigma(0));
    if (ahead == 1) {
      x = weighted_sum({{1, start.x}, {step * (1 - w_2), d}, {step * w_2, d_2}});
      continue;
    }
    double after = run.sigma(i + 2);
    Tensor x_3 = weighted_sum({{1, x_2}, {after - next, d_2}});
    OBSCURA_ASSIGN(Tensor d_3, slope_at(run, x_3, after));
    double w_3 = after / (3 * run.sigma(0));
    x = weighted_sum(
        {{1, start.x}, {step * (1 - w_2 - w_3), d}, {step * w_2, d_2}, {step * w_3, d_3}});
  }
  return x;
}

}  // namespace obscura::diffusion
