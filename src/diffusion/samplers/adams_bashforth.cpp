// Multistep methods over the slopes d = (x - x0) / sigma of the steps before: x_next = x + sum of
// w_j * d_j. They differ only in how the weights come about.
#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "diffusion/samplers/families.h"
#include "diffusion/samplers/lagrange.h"
#include "diffusion/samplers/solver.h"

namespace obscura::diffusion {
namespace {

// Weights for step i over the newest `order` slopes, newest first.
using StepWeights = std::function<std::vector<double>(int i, int order)>;

// The last step goes to x0 where it ends at 0, as Euler's would: there the slope's history says
// nothing.
Result<Tensor> solve_multistep(Solver& run, Tensor start, int max_order,
                               const StepWeights& weights) {
  std::deque<Tensor> slopes;
  auto advance = [&](int i, Tensor x, const Denoised& denoised) -> Result<Tensor> {
    double sigma = run.sigma(i);
    slopes.push_front(weighted_sum({{1 / sigma, x}, {-1 / sigma, denoised.x0}}));
    int order = std::min(max_order, i + 1);
    slopes.resize(static_cast<std::size_t>(order));
    if (run.sigma(i + 1) == 0) return denoised.x0;
    std::vector<double> w = weights(i, order);
    std::vector<Term> terms = {{1, x}};
    for (std::size_t j = 0; j < slopes.size(); ++j) terms.push_back({w[j], slopes[j]});
    return weighted_sum(terms);
  };
  return run.each_step(std::move(start), advance);
}

// Integral from `from` to `to` of the polynomial that is 1 at nodes[j] and 0 at the other nodes.
double integrated_lagrange(const std::vector<double>& nodes, std::size_t j, double from,
                           double to) {
  std::vector<double> polynomial = lagrange_polynomial(nodes, j, from);
  double integral = 0;
  for (std::size_t p = polynomial.size(); p-- > 0;) {
    integral = (to - from) * (integral + polynomial[p] / static_cast<double>(p + 1));
  }
  return integral;
}

// The sigmas of the newest `order` slopes, newest first.
std::vector<double> newest_sigmas(const Solver& run, int i, int order) {
  std::vector<double> sigmas;
  for (int j = 0; j < order; ++j) sigmas.push_back(run.sigma(i - j));
  return sigmas;
}

// The continuous variance-preserving process in which DEIS interpolates, fixed by two of its
// points: sigma 80 at time 1 and 0.002 at time 0.001, as in EDM.
class VpProcess {
 public:
  double time(double sigma) const {
    return (std::sqrt(beta_min_ * beta_min_ + 2 * beta_d_ * std::log1p(sigma * sigma)) -
            beta_min_) /
           beta_d_;
  }
  // dsigma / dt, where sigma^2 + 1 = exp(beta_d t^2 / 2 + beta_min t).
  double sigma_rate(double t) const {
    double exponent = t * (beta_d_ * t / 2 + beta_min_);
    return (beta_d_ * t + beta_min_) * std::exp(exponent) / (2 * std::sqrt(std::expm1(exponent)));
  }

 private:
  static constexpr double kLowTime = 1e-3;
  double low_ = std::log1p(0.002 * 0.002), high_ = std::log1p(80.0 * 80.0);
  double beta_d_ = 2 * (low_ / kLowTime - high_) / (kLowTime - 1);
  double beta_min_ = high_ - 0.5 * beta_d_;
};

}  // namespace

// Adams and Bashforth's method on unequal steps in sigma.
Result<Tensor> solve_lms(Solver& run, Tensor x) {
  return solve_multistep(run, std::move(x), run.integer("order"), [&run](int i, int order) {
    std::vector<double> nodes = newest_sigmas(run, i, order), weights;
    for (std::size_t j = 0; j < nodes.size(); ++j) {
      weights.push_back(integrated_lagrange(nodes, j, run.sigma(i), run.sigma(i + 1)));
    }
    return weights;
  });
}

// Improved PNDM (Zhang and Chen, arXiv:2204.13902, appendix) with the weights for equal steps, used
// on any.
Result<Tensor> solve_ipndm(Solver& run, Tensor x) {
  static const std::vector<double> kWeights[] = {{1},
                                                 {3 / 2.0, -1 / 2.0},
                                                 {23 / 12.0, -16 / 12.0, 5 / 12.0},
                                                 {55 / 24.0, -59 / 24.0, 37 / 24.0, -9 / 24.0}};
  return solve_multistep(run, std::move(x), run.integer("max_order"), [&run](int i, int order) {
    std::vector<double> weights = kWeights[order - 1];
    for (double& weight : weights) weight *= run.sigma(i + 1) - run.sigma(i);
    return weights;
  });
}

// Improved PNDM for unequal steps. Exact at order 2; beyond, the weights are those in use
// everywhere, in which the second-order correction departs from Adams and Bashforth's (solve_lms),
// since images are known by them.
Result<Tensor> solve_ipndm_v(Solver& run, Tensor x) {
  return solve_multistep(run, std::move(x), run.integer("max_order"), [&run](int i, int order) {
    auto step = [&](int back) { return run.sigma(i + 1 - back) - run.sigma(i - back); };
    double h = step(0);
    if (order == 1) return std::vector<double>{h};
    double h1 = step(1), r1 = h / h1;
    std::vector<double> w = {1 + r1 / 2, -r1 / 2};
    if (order >= 3) {
      double h2 = step(2), r2 = h1 / h2;
      double second = (1 - h * h / (3 * h1 * (h1 + h2))) / 2;
      w[0] += second;
      w[1] -= second * (1 + r2);
      w.push_back(second * r2);
      if (order >= 4) {
        double h3 = step(3);
        double third =
            ((1 - h / (3 * (h + h1))) / 2 + (1 - h / (2 * (h + h1))) * h / (6 * (h + h1 + h2))) *
            h * (h + h1) * (h + h1 + h2) / (h1 * (h1 + h2) * (h1 + h2 + h3));
        double r3 = h1 * (h1 + h2) / (h2 * (h2 + h3));
        w[0] += third;
        w[1] -= third * (1 + r2 + r3);
        w[2] += third * (r2 + r3 * (1 + h2 / h3));
        w.push_back(-third * r3 * r2);
      }
    }
    for (double& weight : w) weight *= h;
    return w;
  });
}

// DEIS (Zhang and Chen, arXiv:2204.13902), the "tab" variant: slopes are interpolated in the time
// of a VP process. The sum over 10000 points, both ends counted whole, is the reference's; a finer
// one would differ from it by 1e-4.
Result<Tensor> solve_deis(Solver& run, Tensor x) {
  constexpr int kPoints = 10'000;
  VpProcess process;
  return solve_multistep(run, std::move(x), run.integer("max_order"), [&](int i, int order) {
    double sigma = run.sigma(i), sigma_next = run.sigma(i + 1);
    if (order == 1) return std::vector<double>{sigma_next - sigma};
    std::vector<double> nodes = newest_sigmas(run, i, order);
    for (double& node : nodes) node = process.time(node);
    double from = nodes[0], to = process.time(sigma_next);
    std::vector<double> weights(nodes.size());
    for (int p = 0; p < kPoints; ++p) {
      double t = from + (to - from) * p / (kPoints - 1);
      double rate = process.sigma_rate(t) * (to - from) / kPoints;
      for (std::size_t j = 0; j < nodes.size(); ++j) {
        double lagrange = 1;
        for (std::size_t k = 0; k < nodes.size(); ++k) {
          if (k != j) lagrange *= (t - nodes[k]) / (nodes[j] - nodes[k]);
        }
        weights[j] += rate * lagrange;
      }
    }
    return weights;
  });
}

}  // namespace obscura::diffusion
