// SEEDS (Gonzalez et al., arXiv:2305.14267) in data prediction, with one and two inner points.
// lambda = ln(alpha / sigma).
#include <cmath>
#include <utility>

#include "diffusion/samplers/families.h"
#include "diffusion/samplers/solver.h"

namespace obscura::diffusion {
namespace {

// The noise gathered since the start of a step, in units of sigma: each stretch lets the older
// noise fade.
class StepNoise {
 public:
  explicit StepNoise(Solver& run)
      : run_(run), eta_(run.number("eta")), active_(eta_ > 0 && run.number("s_noise") > 0) {}

  // Goes on to `sigma_next`, which is `h` further in lambda than `sigma`.
  void advance(double sigma, double sigma_next, double h) {
    if (!active_) return;
    double fresh = std::sqrt(-std::expm1(-2 * h * eta_));
    Tensor drawn = run_.noise(sigma, sigma_next);
    gathered_ = gathered_.empty()
                    ? weighted_sum({{fresh, drawn}})
                    : weighted_sum({{std::exp(-h * eta_), gathered_}, {fresh, drawn}});
  }

  // x with the noise at a point of this sigma.
  Tensor added_to(Tensor x, double sigma) const {
    if (!active_) return x;
    return weighted_sum({{1, x}, {sigma * run_.number("s_noise"), gathered_}});
  }

 private:
  Solver& run_;
  double eta_;
  bool active_;
  Tensor gathered_;
};

// From the start of a step to the point `h` further in lambda.
struct Stretch {
  double kept;   // weight of x
  double alpha;  // at the point
  double h_eta;  // h * (1 + eta)
  double gain;   // 1 - e^-h_eta
};

Stretch stretch(const Solver& run, double sigma, double sigma_to, double h) {
  double eta = run.number("eta"), h_eta = h * (1 + eta);
  return {sigma_to / sigma * std::exp(-h * eta), run.model().alpha(sigma_to), h_eta,
          -std::expm1(-h_eta)};
}

}  // namespace

Result<Tensor> solve_seeds_2(Solver& run, Tensor start) {
  run.avoid_zero_snr();
  const NoiseSchedule& model = run.model();
  double r = run.number("r");
  auto advance = [&](int i, Tensor x, const Denoised& denoised) -> Result<Tensor> {
    double sigma = run.sigma(i), sigma_next = run.sigma(i + 1);
    double lambda = model.half_log_snr(sigma), h = model.half_log_snr(sigma_next) - lambda;
    double inner = model.sigma_of_half_log_snr(lambda + r * h);
    StepNoise noise(run);

    Stretch first = stretch(run, sigma, inner, r * h);
    noise.advance(sigma, inner, r * h);
    Tensor x_2 = weighted_sum({{first.kept, x}, {first.alpha * first.gain, denoised.x0}});
    OBSCURA_ASSIGN(Denoised at_inner, run.denoise(noise.added_to(x_2, inner), inner));

    Stretch whole = stretch(run, sigma, sigma_next, h);
    noise.advance(inner, sigma_next, (1 - r) * h);
    double share = 1 / (2 * r), gain = whole.alpha * whole.gain;
    x = weighted_sum(
        {{whole.kept, x}, {gain * (1 - share), denoised.x0}, {gain * share, at_inner.x0}});
    return noise.added_to(std::move(x), sigma_next);
  };
  return run.each_step_to_x0(std::move(start), advance);
}

Result<Tensor> solve_seeds_3(Solver& run, Tensor start) {
  run.avoid_zero_snr();
  const NoiseSchedule& model = run.model();
  double r_1 = run.number("r_1"), r_2 = run.number("r_2");
  if (r_1 >= r_2) {
    return Error(ErrorKind::kInvalidInput,
                 "[seeds_3] r_1 wants less than r_2 = " + std::to_string(r_2) + ", got " +
                     std::to_string(r_1));
  }
  auto advance = [&](int i, Tensor x, const Denoised& denoised) -> Result<Tensor> {
    double sigma = run.sigma(i), sigma_next = run.sigma(i + 1);
    double lambda = model.half_log_snr(sigma), h = model.half_log_snr(sigma_next) - lambda;
    double inner_1 = model.sigma_of_half_log_snr(lambda + r_1 * h);
    double inner_2 = model.sigma_of_half_log_snr(lambda + r_2 * h);
    StepNoise noise(run);

    Stretch first = stretch(run, sigma, inner_1, r_1 * h);
    noise.advance(sigma, inner_1, r_1 * h);
    Tensor x_2 = weighted_sum({{first.kept, x}, {first.alpha * first.gain, denoised.x0}});
    OBSCURA_ASSIGN(Denoised at_1, run.denoise(noise.added_to(x_2, inner_1), inner_1));

    Stretch second = stretch(run, sigma, inner_2, r_2 * h);
    noise.advance(inner_1, inner_2, (r_2 - r_1) * h);
    double bend_2 = r_2 / r_1 * second.alpha * (1 - second.gain / second.h_eta);
    Tensor x_3 = weighted_sum(
        {{second.kept, x}, {second.alpha * second.gain - bend_2, denoised.x0}, {bend_2, at_1.x0}});
    OBSCURA_ASSIGN(Denoised at_2, run.denoise(noise.added_to(x_3, inner_2), inner_2));

    Stretch whole = stretch(run, sigma, sigma_next, h);
    noise.advance(inner_2, sigma_next, (1 - r_2) * h);
    double bend_3 = whole.alpha / r_2 * (1 - whole.gain / whole.h_eta);
    x = weighted_sum(
        {{whole.kept, x}, {whole.alpha * whole.gain - bend_3, denoised.x0}, {bend_3, at_2.x0}});
    return noise.added_to(std::move(x), sigma_next);
  };
  return run.each_step_to_x0(std::move(start), advance);
}

}  // namespace obscura::diffusion
