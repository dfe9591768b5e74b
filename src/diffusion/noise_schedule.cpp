#include "diffusion/noise_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.h"
#include "diffusion/latent_math.h"

namespace obscura::diffusion {
namespace {

constexpr int kTimesteps = 1000;
constexpr double kFlowMultiplier = 1000;

std::vector<double> scaled_linear_sigmas(BetaRange betas) {
  const double first = std::sqrt(betas.first), last = std::sqrt(betas.last);
  std::vector<double> sigmas(kTimesteps);
  double signal = 1;  // the cumulative product of 1 - beta
  for (int t = 0; t < kTimesteps; ++t) {
    double root = first + (last - first) * t / (kTimesteps - 1);
    signal *= 1 - root * root;
    sigmas[static_cast<std::size_t>(t)] = std::sqrt((1 - signal) / signal);
  }
  return sigmas;
}

// Shifts and scales sqrt(signal) linearly so that the first keeps its value and the last becomes 0.
std::vector<double> rescaled_to_zero_snr(std::vector<double> sigmas) {
  constexpr double kLastSignal = 4.8973451890853435e-08;  // in place of 0
  auto root_signal = [](double sigma) { return 1 / std::sqrt(sigma * sigma + 1); };
  double first = root_signal(sigmas.front()), last = root_signal(sigmas.back());
  for (double& sigma : sigmas) {
    double root = (root_signal(sigma) - last) * first / (first - last);
    double signal = &sigma == &sigmas.back() ? kLastSignal : root * root;
    sigma = std::sqrt((1 - signal) / signal);
  }
  return sigmas;
}

double shifted(double shift, double t) {
  return shift * t / (1 + (shift - 1) * t);
}

std::shared_ptr<const std::vector<float>> as_floats(const std::vector<double>& values) {
  return std::make_shared<const std::vector<float>>(values.begin(), values.end());
}

}  // namespace

NoiseSchedule::NoiseSchedule(Prediction prediction, double shift, std::vector<double> sigmas)
    : prediction_(prediction), shift_(shift), sigmas_(as_floats(sigmas)) {
  for (double& sigma : sigmas) sigma = std::log(sigma);
  log_sigmas_ = as_floats(sigmas);
}

NoiseSchedule NoiseSchedule::discrete(Prediction prediction, bool zero_terminal_snr,
                                      BetaRange betas) {
  OBSCURA_CHECK(prediction < Prediction::kEdm, "this prediction has its own schedule");
  auto sigmas = scaled_linear_sigmas(betas);
  if (zero_terminal_snr) sigmas = rescaled_to_zero_snr(std::move(sigmas));
  return NoiseSchedule(prediction, 1, std::move(sigmas));
}

NoiseSchedule NoiseSchedule::distilled(bool zero_terminal_snr) {
  constexpr int kPerLevel = 20;
  const NoiseSchedule published = discrete(Prediction::kEpsilon, zero_terminal_snr);
  std::vector<double> sigmas;
  for (int t = kPerLevel - 1; t < kTimesteps; t += kPerLevel)
    sigmas.push_back(published.sigmas()[static_cast<std::size_t>(t)]);
  NoiseSchedule schedule(Prediction::kLcm, 1, std::move(sigmas));
  schedule.timesteps_per_level_ = kPerLevel;
  return schedule;
}

NoiseSchedule NoiseSchedule::continuous(Prediction prediction, double sigma_min, double sigma_max,
                                        double sigma_data, ContinuousTime time) {
  OBSCURA_CHECK(sigma_min > 0 && sigma_min < sigma_max, "sigmas that ascend from above 0");
  const double first = std::log(sigma_min), last = std::log(sigma_max);
  std::vector<double> sigmas;
  for (int t = 0; t < kTimesteps; ++t)
    sigmas.push_back(std::exp(first + (last - first) * t / (kTimesteps - 1)));
  NoiseSchedule schedule(prediction, 1, std::move(sigmas));
  schedule.sigma_data_ = sigma_data;
  schedule.continuous_ = time;
  return schedule;
}

NoiseSchedule NoiseSchedule::flow(double shift) {
  OBSCURA_CHECK(shift > 0, "a flow schedule needs a positive shift");
  std::vector<double> sigmas(kTimesteps);
  for (int t = 0; t < kTimesteps; ++t) {
    sigmas[static_cast<std::size_t>(t)] = shifted(shift, (t + 1.0) / kTimesteps);
  }
  return NoiseSchedule(Prediction::kFlow, shift, std::move(sigmas));
}

double NoiseSchedule::sigma(double timestep) const {
  if (is_flow()) return shifted(shift_, timestep / kFlowMultiplier);
  if (continuous_ == ContinuousTime::kLogSigma) return std::exp(4 * timestep);
  if (continuous_ == ContinuousTime::kAngle) return std::tan(timestep * std::numbers::pi / 2);
  const std::size_t last = sigmas_->size() - 1;
  double level = (timestep - (timesteps_per_level_ - 1)) / timesteps_per_level_;
  double t = std::clamp(level, 0.0, static_cast<double>(last));
  auto low = static_cast<std::size_t>(t);
  std::size_t high = std::min(low + 1, last);
  double share = t - static_cast<double>(low);
  return std::exp((1 - share) * (*log_sigmas_)[low] + share * (*log_sigmas_)[high]);
}

double NoiseSchedule::timestep(double sigma) const {
  if (is_flow()) return sigma * kFlowMultiplier;
  if (continuous_ == ContinuousTime::kLogSigma) return std::log(sigma) / 4;
  if (continuous_ == ContinuousTime::kAngle) return std::atan(sigma) * 2 / std::numbers::pi;
  double log_sigma = std::log(sigma);
  auto distance = [&](float entry) { return std::fabs(log_sigma - entry); };
  auto nearest =
      std::min_element(log_sigmas_->begin(), log_sigmas_->end(),
                       [&](float left, float right) { return distance(left) < distance(right); });
  const auto level = static_cast<double>(nearest - log_sigmas_->begin());
  return (level + 1) * timesteps_per_level_ - 1;
}

double NoiseSchedule::percent_to_sigma(double percent) const {
  if (is_flow()) return percent <= 0 ? 1 : percent >= 1 ? 0 : shifted(shift_, 1 - percent);
  if (percent <= 0) return 999999999.9;
  if (percent >= 1) return 0;
  if (continuous_) {
    return std::exp(std::log(sigma_max()) * (1 - percent) + std::log(sigma_min()) * percent);
  }
  // ComfyUI's timestep is a float32, which shows where zero-terminal-SNR sigmas rise steeply.
  return sigma(static_cast<float>((1 - percent) * (kTimesteps - 1)));
}

double NoiseSchedule::half_log_snr(double sigma) const {
  return std::log(alpha(sigma) / sigma);
}

double NoiseSchedule::sigma_of_half_log_snr(double half_log_snr) const {
  return is_flow() ? 1 / (1 + std::exp(half_log_snr)) : std::exp(-half_log_snr);
}

double NoiseSchedule::input_scale(double sigma) const {
  if (is_flow() || prediction_ == Prediction::kImage) return 1;
  return 1 / std::sqrt(sigma * sigma + sigma_data_ * sigma_data_);
}

Tensor NoiseSchedule::denoised(const Tensor& x, const Tensor& output, double sigma) const {
  const double data = sigma_data_ * sigma_data_, variance = sigma * sigma + data;
  switch (prediction_) {
    case Prediction::kV:
      return weighted_sum(
          {{data / variance, x}, {-sigma * sigma_data_ / std::sqrt(variance), output}});
    case Prediction::kEdm:
      return weighted_sum(
          {{data / variance, x}, {sigma * sigma_data_ / std::sqrt(variance), output}});
    case Prediction::kX0:
    case Prediction::kImage:
      return output;
    case Prediction::kLcm: {
      // At timestep t: c_out * x0 + c_skip * x with a deviation of 0.5 and t times 10.
      const double t = 10 * timestep(sigma), norm = t * t + 0.25;
      const double skip = 0.25 / norm, out = t / std::sqrt(norm);
      return weighted_sum({{out + skip, x}, {-out * sigma, output}});
    }
    case Prediction::kEpsilon:
    case Prediction::kFlow:
      break;
  }
  return weighted_sum({{1, x}, {-sigma, output}});
}

Tensor NoiseSchedule::noised(const Tensor& latent, const Tensor& noise, double sigma) const {
  return weighted_sum({{alpha(sigma), latent}, {sigma, noise}});
}

Tensor NoiseSchedule::start(const Tensor& latent, const Tensor& noise, double first_sigma) const {
  if (is_flow()) return noised(latent, noise, first_sigma);
  bool from_pure_noise = first_sigma > sigma_max() * (1 - 1e-5);
  double scale = from_pure_noise ? std::sqrt(1 + first_sigma * first_sigma) : first_sigma;
  return weighted_sum({{1, latent}, {scale, noise}});
}

Tensor NoiseSchedule::finish(const Tensor& x, double last_sigma) const {
  return is_flow() ? weighted_sum({{1 / alpha(last_sigma), x}}) : x;
}

}  // namespace obscura::diffusion
