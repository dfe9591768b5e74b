// DPM-Solver (Lu et al., arXiv:2206.00927) in t = -log sigma, between the first and the smallest
// positive sigma: with a fixed number of calls, and with adaptive steps. The sigmas between are not
// used.
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "diffusion/samplers/ancestral.h"
#include "diffusion/samplers/families.h"

namespace obscura::diffusion {
namespace {

double sigma_at(double t) {
  return std::exp(-t);
}

// One step of order 1, 2 or 3 from a point, sharing its slopes between orders.
class SingleStep {
 public:
  // `eps` is the slope at (x, t).
  SingleStep(Solver& run, const Tensor& x, Tensor eps, double t, double t_next)
      : run_(run), x_(x), eps_(std::move(eps)), t_(t), h_(t_next - t) {}

  Tensor first_order() const { return ahead(1, {}); }

  Result<Tensor> second_order(double r1) {
    OBSCURA_TRY(find_slope(r1, ahead(r1, {}), eps_1_));
    return ahead(1, {{1 / (2 * r1) * std::expm1(h_), eps_1_}});
  }

  Result<Tensor> third_order() {
    constexpr double kR1 = 1.0 / 3, kR2 = 2.0 / 3;
    auto bend = [](double h) { return std::expm1(h) / h - 1; };
    OBSCURA_TRY(find_slope(kR1, ahead(kR1, {}), eps_1_));
    OBSCURA_TRY(find_slope(kR2, ahead(kR2, {{kR2 / kR1 * bend(kR2 * h_), eps_1_}}), eps_2_));
    return ahead(1, {{1 / kR2 * bend(h_), eps_2_}});
  }

 private:
  struct Correction {
    double weight;
    const Tensor& eps;
  };

  // x - sigma(s) * ((e^(r h) - 1) * eps + weight * (its eps - eps)) at s = t + r h
  Tensor ahead(double r, std::initializer_list<Correction> corrections) const {
    double sigma = sigma_at(t_ + r * h_);
    double eps_weight = -sigma * std::expm1(r * h_);
    std::vector<Term> terms = {{1, x_}};
    for (const Correction& correction : corrections) {
      terms.push_back({-sigma * correction.weight, correction.eps});
      eps_weight += sigma * correction.weight;
    }
    terms.push_back({eps_weight, eps_});
    return weighted_sum(terms);
  }

  // The slope at u, r of the way, unless it is known already.
  Status find_slope(double r, const Tensor& u, Tensor& eps) {
    if (!eps.empty()) return {};
    double sigma = sigma_at(t_ + r * h_);
    OBSCURA_ASSIGN(Denoised denoised, run_.denoise(u, sigma));
    eps = weighted_sum({{1 / sigma, u}, {-1 / sigma, denoised.x0}});
    return {};
  }

  Solver& run_;
  const Tensor& x_;
  Tensor eps_, eps_1_, eps_2_;
  double t_, h_;
};

// A step to t_next that leaves room for noise: where to go, and how much noise to add there.
struct NoisyStep {
  double t;
  double up;
};

NoisyStep noisy_step(double t, double t_next, double t_end, double eta) {
  if (eta == 0) return {t_next, 0};
  double down = ancestral_step(sigma_at(t), sigma_at(t_next), eta).down;
  double target = std::min(t_end, -std::log(down));
  double rest = std::pow(sigma_at(t_next), 2) - std::pow(sigma_at(target), 2);
  return {target, std::sqrt(std::max(0.0, rest))};
}

double last_positive_sigma(const Solver& run) {
  return run.sigma(run.steps()) > 0 ? run.sigma(run.steps()) : run.sigma(run.steps() - 1);
}

// A PID controller for the step size, as in k-diffusion: it aims at an error of 1.
class StepController {
 public:
  StepController(const Solver& run, double order)
      : h_(run.number("h_init")), safety_(run.number("accept_safety")) {
    double p = run.number("pcoeff"), i = run.number("icoeff"), d = run.number("dcoeff");
    exponents_ = {(p + i + d) / order, -(p + 2 * d) / order, d / order};
  }

  double h() const { return h_; }

  // Whether a step with this error stands; sets the size of the next.
  bool accepts(double error) {
    double inverse = 1 / (error + 1e-8);
    if (!started_) inverses_.fill(inverse);
    started_ = true;
    inverses_[0] = inverse;
    double factor = 1;
    for (std::size_t k = 0; k < 3; ++k) factor *= std::pow(inverses_[k], exponents_[k]);
    factor = 1 + std::atan(factor - 1);
    bool accepted = factor >= safety_;
    if (accepted) {
      inverses_[2] = inverses_[1];
      inverses_[1] = inverses_[0];
    }
    h_ *= factor;
    return accepted;
  }

 private:
  double h_, safety_;
  std::array<double, 3> exponents_{}, inverses_{};
  bool started_ = false;
};

// Root mean square of (low - high) / max(atol, rtol * max(|low|, |previous|)).
double relative_error(const Tensor& low, const Tensor& high, const Tensor& previous, double atol,
                      double rtol) {
  double sum = 0;
  for (std::int64_t i = 0; i < low.elements(); ++i) {
    double size = std::max(std::fabs(low.data()[i]), std::fabs(previous.data()[i]));
    double error = (low.data()[i] - high.data()[i]) / std::max(atol, rtol * size);
    sum += error * error;
  }
  return std::sqrt(sum / static_cast<double>(low.elements()));
}

}  // namespace

Result<Tensor> solve_dpm_fast(Solver& run, Tensor x) {
  double t_first = -std::log(run.sigma(0)), t_end = -std::log(last_positive_sigma(run));
  if (t_end <= t_first) return x;
  // As many calls as the schedule has steps: third-order steps, then what is left over.
  int calls = run.steps(), count = calls / 3 + 1;
  std::vector<int> orders(static_cast<std::size_t>(count), 3);
  if (calls % 3 == 0) {
    orders[orders.size() - 2] = 2;
    orders.back() = 1;
  } else {
    orders.back() = calls % 3;
  }
  double eta = run.number("eta"), s_noise = run.number("s_noise");
  for (int i = 0; i < count; ++i) {
    double t = t_first + (t_end - t_first) * i / count,
           t_next = t_first + (t_end - t_first) * (i + 1) / count;
    double sigma = sigma_at(t);
    NoisyStep step = noisy_step(t, t_next, t_end, eta);
    OBSCURA_ASSIGN(Denoised denoised, run.denoise(x, sigma));
    OBSCURA_TRY(run.report(i * run.steps() / count, sigma, x, denoised.x0));
    Tensor eps = weighted_sum({{1 / sigma, x}, {-1 / sigma, denoised.x0}});
    SingleStep single(run, x, eps, t, step.t);
    int order = orders[static_cast<std::size_t>(i)];
    OBSCURA_ASSIGN(Tensor next, order == 1   ? Result<Tensor>(single.first_order())
                                : order == 2 ? single.second_order(0.5)
                                             : single.third_order());
    x = run.with_noise(std::move(next), s_noise * step.up, sigma, sigma_at(t_next));
  }
  return x;
}

// The error of a step is the difference between two orders. It is taken over the whole batch, so
// unlike other samplers this one renders an image of a batch differently from the image alone.
Result<Tensor> solve_dpm_adaptive(Solver& run, Tensor x) {
  double t_first = -std::log(run.sigma(0)), t_end = -std::log(last_positive_sigma(run));
  constexpr int kMostAttempts = 10'000;
  int order = run.integer("order");
  double eta = run.number("eta"), s_noise = run.number("s_noise");
  StepController controller(run, eta != 0 ? 1.5 : order);
  double t = t_first;
  Tensor previous = x;
  for (int attempt = 0; t < t_end - 1e-5; ++attempt) {
    if (attempt == kMostAttempts) {
      return Error(ErrorKind::kNumeric, "[dpm_adaptive] stuck at sigma " +
                                            std::to_string(sigma_at(t)) + " after " +
                                            std::to_string(attempt) +
                                            " steps; rtol, atol or accept_safety ask too much");
    }
    double sigma = sigma_at(t), t_next = std::min(t_end, t + controller.h());
    NoisyStep step = noisy_step(t, t_next, t_end, eta);
    OBSCURA_ASSIGN(Denoised denoised, run.denoise(x, sigma));
    int way = static_cast<int>(run.steps() * (t - t_first) / (t_end - t_first));
    OBSCURA_TRY(run.report(way, sigma, x, denoised.x0));
    Tensor eps = weighted_sum({{1 / sigma, x}, {-1 / sigma, denoised.x0}});
    SingleStep single(run, x, eps, t, step.t);
    OBSCURA_ASSIGN(Tensor low, order == 2 ? Result<Tensor>(single.first_order())
                                          : single.second_order(1.0 / 3));
    OBSCURA_ASSIGN(Tensor high, order == 2 ? single.second_order(0.5) : single.third_order());
    double error = relative_error(low, high, previous, run.number("atol"), run.number("rtol"));
    if (!controller.accepts(error)) continue;
    previous = low;
    x = run.with_noise(std::move(high), s_noise * step.up, sigma, sigma_at(t_next));
    t = t_next;
  }
  return x;
}

}  // namespace obscura::diffusion
