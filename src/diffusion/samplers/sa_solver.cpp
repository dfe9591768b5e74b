// SA-Solver (Xue et al., arXiv:2309.05019): a stochastic Adams method, predictor and corrector, in
// data prediction. lambda = ln(alpha / sigma); tau says how much noise a step adds, 1 as much as
// the diffusion itself.
#include <algorithm>
#include <cmath>
#include <deque>
#include <numeric>

#include "diffusion/samplers/families.h"
#include "diffusion/samplers/lagrange.h"
#include "diffusion/samplers/solver.h"

namespace obscura::diffusion {
namespace {

struct PastX0 {
  double lambda;
  Tensor x0;
};

// Integrals over [0, h] of c * e^(-c (h - s)) * s^k for k = 0 … count - 1, by parts from the one
// before.
std::vector<double> exponential_moments(double c, double h, std::size_t count) {
  std::vector<double> moments = {-std::expm1(-c * h)};
  for (std::size_t k = 1; k < count; ++k) {
    moments.push_back(std::pow(h, k) - static_cast<double>(k) / c * moments.back());
  }
  return moments;
}

// Weights of the newest `order` predictions, newest first, for a step of the process from
// lambda_from to lambda_to: the exponentially weighted integral of the polynomial through them.
std::vector<double> adams_weights(const std::deque<PastX0>& newest_first, int order,
                                  double lambda_from, double lambda_to, double tau) {
  double c = 1 + tau * tau;
  auto count = static_cast<std::size_t>(order);
  std::vector<double> moments = exponential_moments(c, lambda_to - lambda_from, count);
  std::vector<double> nodes;
  for (std::size_t k = 0; k < count; ++k) nodes.push_back(newest_first[k].lambda);
  std::vector<double> weights;
  for (std::size_t j = 0; j < count; ++j) {
    std::vector<double> polynomial = lagrange_polynomial(nodes, j, lambda_from);
    weights.push_back(
        std::inner_product(polynomial.begin(), polynomial.end(), moments.begin(), 0.0));
  }
  return weights;
}

// The simpler weights of order 2 that the paper's implementation uses: the bend without its
// exponential.
std::vector<double> simple_weights(const std::deque<PastX0>& newest_first, double lambda_from,
                                   double lambda_to, double tau, bool corrector) {
  double c = 1 + tau * tau, h = lambda_to - lambda_from;
  double gain = -std::expm1(-c * h);
  if (corrector) return {0.5 * c * h, gain - 0.5 * c * h};
  double older = 0.5 * c * h * h / (newest_first[1].lambda - lambda_from);
  return {gain - older, older};
}

class SaSolver {
 public:
  explicit SaSolver(Solver& run)
      : run_(run),
        start_sigma_(run.model().percent_to_sigma(run.number("tau_start_percent"))),
        end_sigma_(run.model().percent_to_sigma(run.number("tau_end_percent"))) {}

  double tau(double sigma) const {
    return sigma <= start_sigma_ && sigma >= end_sigma_ ? run_.number("tau_eta") : 0;
  }

  double lambda(int i) const { return run_.model().half_log_snr(run_.sigma(i)); }

  // x at sigma i, taken to sigma i + 1 with these predictions; without noise.
  Tensor step(const Tensor& x, int i, int order, double tau, bool corrector,
              const std::deque<PastX0>& newest_first) const {
    double from = lambda(i), to = lambda(i + 1), sigma_to = run_.sigma(i + 1);
    bool simple = order == 2 && run_.number("simple_order_2") != 0;
    std::vector<double> weights = simple ? simple_weights(newest_first, from, to, tau, corrector)
                                         : adams_weights(newest_first, order, from, to, tau);
    double alpha = run_.model().alpha(sigma_to);
    std::vector<Term> terms = {{sigma_to / run_.sigma(i) * std::exp(-tau * tau * (to - from)), x}};
    for (std::size_t k = 0; k < weights.size(); ++k)
      terms.push_back({alpha * weights[k], newest_first[k].x0});
    return weighted_sum(terms);
  }

  // The noise of that step; empty where there is none.
  Tensor step_noise(int i, double tau) const {
    double s_noise = run_.number("s_noise");
    if (tau <= 0 || s_noise <= 0) return Tensor();
    double sigma_next = run_.sigma(i + 1);
    double deviation =
        sigma_next * std::sqrt(-std::expm1(-2 * tau * tau * (lambda(i + 1) - lambda(i))));
    Tensor drawn = run_.noise(run_.sigma(i), sigma_next);
    return weighted_sum({{s_noise * deviation, drawn}});
  }

 private:
  Solver& run_;
  double start_sigma_, end_sigma_;
};

Tensor plus(const Tensor& x, const Tensor& noise) {
  return noise.empty() ? x : weighted_sum({{1, x}, {1, noise}});
}

}  // namespace

Result<Tensor> solve_sa_solver(Solver& run, Tensor x) {
  run.avoid_zero_snr();
  SaSolver solver(run);
  int steps = run.steps();
  int predictor_order = run.integer("predictor_order"),
      corrector_order = run.integer("corrector_order");
  bool pece = run.number("use_pece") != 0;
  bool ends_at_zero = run.sigma(steps) == 0;
  auto kept = static_cast<std::size_t>(std::max(predictor_order, corrector_order));

  std::deque<PastX0> history;  // newest first
  Tensor predicted = x, noise;
  double tau = 0;
  for (int i = 0; i < steps; ++i) {
    OBSCURA_ASSIGN(Denoised denoised, run.begin_step(i, predicted));
    history.push_front({solver.lambda(i), denoised.x0});
    if (history.size() > kept) history.pop_back();
    auto known = static_cast<int>(history.size());
    bool last = run.sigma(i + 1) == 0;
    int predict = std::min(predictor_order, known);
    int correct = i == 0 || (last && !pece) ? 0 : std::min(corrector_order, known);
    if (ends_at_zero) {  // lower orders near the end, where lambda rises steeply
      predict = std::min(predict, steps - 1 - i);
      correct = std::min(correct, steps - i);
    }

    if (correct == 0) {
      x = predicted;
    } else {
      x = plus(solver.step(x, i - 1, correct, tau, true, history), noise);
      if (pece) {
        OBSCURA_ASSIGN(denoised, run.denoise(x, run.sigma(i)));
        history.front().x0 = denoised.x0;
      }
    }
    if (last) return denoised.x0;
    tau = solver.tau(run.sigma(i + 1));
    noise = solver.step_noise(i, tau);
    predicted = plus(solver.step(x, i, predict, tau, false, history), noise);
  }
  // A schedule that ends above 0 returns the state before its last prediction, as ComfyUI's does.
  return x;
}

}  // namespace obscura::diffusion
