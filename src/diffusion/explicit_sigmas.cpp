#include "diffusion/explicit_sigmas.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>
#include <span>
#include <string>

namespace obscura::diffusion {
namespace {

// `at(u)` for `steps` values of u evenly from 0 to 1 (0 alone if there is one).
template <class At>
std::vector<float> sampled(int steps, const At& at) {
  std::vector<float> sigmas;
  for (int i = 0; i < steps; ++i)
    sigmas.push_back(static_cast<float>(at(steps == 1 ? 0.0 : i / (steps - 1.0))));
  return sigmas;
}

std::vector<float> with_zero(std::vector<float> sigmas) {
  sigmas.push_back(0);
  return sigmas;
}

double blend(double from, double to, double share) {
  return from + (to - from) * share;
}

// From the noisiest down; the last entry becomes 0.
constexpr double kAlignedSd1[] = {14.6146412293, 6.4745760956, 3.8636745985, 2.6946151520,
                                  1.8841921177,  1.3943805092, 0.9642583904, 0.6523686016,
                                  0.3977456272,  0.1515232662, 0.0291671582};
constexpr double kAlignedSdxl[] = {14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769,
                                   1.3405244945,  0.8620721141, 0.5550693289, 0.3798540708,
                                   0.2332364134,  0.1114188177, 0.0291671582};
constexpr double kAlignedSvd[] = {700.00, 54.5,  15.886, 7.977, 4.248, 1.789,
                                  0.981,  0.403, 0.173,  0.034, 0.002};

std::span<const double> aligned_table(std::string_view model) {
  if (model == "SD1") return kAlignedSd1;
  if (model == "SDXL") return kAlignedSdxl;
  if (model == "SVD") return kAlignedSvd;
  return {};
}

}  // namespace

std::vector<float> karras_sigmas(int steps, double sigma_min, double sigma_max, double rho) {
  double first = std::pow(sigma_max, 1 / rho), last = std::pow(sigma_min, 1 / rho);
  return with_zero(sampled(steps, [&](double u) { return std::pow(blend(first, last, u), rho); }));
}

std::vector<float> exponential_sigmas(int steps, double sigma_min, double sigma_max) {
  return polyexponential_sigmas(steps, sigma_min, sigma_max, 1);
}

std::vector<float> polyexponential_sigmas(int steps, double sigma_min, double sigma_max,
                                          double rho) {
  double first = std::log(sigma_max), last = std::log(sigma_min);
  return with_zero(
      sampled(steps, [&](double u) { return std::exp(blend(last, first, std::pow(1 - u, rho))); }));
}

std::vector<float> laplace_sigmas(int steps, double sigma_min, double sigma_max, double mu,
                                  double beta) {
  return sampled(steps, [&](double u) {
    double side = 0.5 - u;
    double quantile = -std::copysign(1.0, side) * std::log(1 - 2 * std::fabs(side) + 1e-5);
    double log_sigma = side == 0 ? mu : mu + beta * quantile;
    return std::clamp(std::exp(log_sigma), sigma_min, sigma_max);
  });
}

std::vector<float> vp_sigmas(int steps, double beta_d, double beta_min, double eps_s) {
  return with_zero(sampled(steps, [&](double u) {
    double t = blend(1, eps_s, u);
    return std::sqrt(std::expm1(beta_d * t * t / 2 + beta_min * t));
  }));
}

std::vector<float> beta_sigmas(const NoiseSchedule& model, int steps, double alpha, double beta) {
  std::span<const float> table = model.sigmas();
  double last_index = static_cast<double>(table.size()) - 1;
  std::vector<float> sigmas;
  double previous = -1;
  for (int i = 0; i < steps; ++i) {
    double quantile = boost::math::ibeta_inv(alpha, beta, 1 - static_cast<double>(i) / steps);
    double timestep = std::nearbyint(quantile * last_index);
    if (timestep != previous) sigmas.push_back(table[static_cast<std::size_t>(timestep)]);
    previous = timestep;
  }
  return with_zero(std::move(sigmas));
}

Result<std::vector<float>> align_your_steps_sigmas(std::string_view model, int steps,
                                                   double denoise) {
  std::span<const double> table = aligned_table(model);
  if (table.empty()) {
    return Error(ErrorKind::kInvalidInput,
                 "[AlignYourStepsScheduler] model_type wants SD1, SDXL or SVD, got \"" +
                     std::string(model) + "\"");
  }
  if (steps < 1 || steps > 10'000) {
    return Error(ErrorKind::kInvalidInput,
                 "[AlignYourStepsScheduler] steps wants 1…10000, got " + std::to_string(steps));
  }
  if (denoise <= 0) return std::vector<float>();
  auto sigmas = sampled(steps + 1, [&](double u) {
    double place = u * static_cast<double>(table.size() - 1);
    auto low = std::min(static_cast<std::size_t>(place), table.size() - 2);
    return std::exp(
        blend(std::log(table[low]), std::log(table[low + 1]), place - static_cast<double>(low)));
  });
  sigmas.back() = 0;
  auto kept = static_cast<std::ptrdiff_t>(std::nearbyint(steps * std::min(denoise, 1.0))) + 1;
  sigmas.erase(sigmas.begin(), sigmas.end() - kept);
  return sigmas;
}

Result<std::vector<float>> sd_turbo_sigmas(const NoiseSchedule& model, int steps, double denoise) {
  if (steps < 1 || steps > 10 || denoise < 0 || denoise > 1) {
    return Error(ErrorKind::kInvalidInput,
                 "[SDTurboScheduler] wants steps 1…10 and denoise 0…1, got " +
                     std::to_string(steps) + " and " + std::to_string(denoise));
  }
  int first = 10 - static_cast<int>(10 * denoise);
  std::vector<float> sigmas;
  for (int i = first; i < std::min(first + steps, 10); ++i) {
    sigmas.push_back(static_cast<float>(model.sigma(999 - 100 * i)));
  }
  return with_zero(std::move(sigmas));
}

}  // namespace obscura::diffusion
