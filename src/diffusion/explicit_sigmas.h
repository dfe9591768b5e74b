// Sigma schedules with parameters of their own: ComfyUI's scheduler nodes, beside the named ones in
// sigmas.h.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "diffusion/noise_schedule.h"

namespace obscura::diffusion {

// Those over [sigma_min, sigma_max] end with an appended 0, except Laplace's. REQUIRES for all:
// steps >= 1 and 0 < sigma_min <= sigma_max.

// Evenly in sigma^(1 / rho): Karras et al., arXiv:2206.00364, eq. 5. REQUIRES: rho > 0.
std::vector<float> karras_sigmas(int steps, double sigma_min, double sigma_max, double rho);
// Evenly in log sigma.
std::vector<float> exponential_sigmas(int steps, double sigma_min, double sigma_max);
// Evenly in (log sigma)^(1 / rho).
std::vector<float> polyexponential_sigmas(int steps, double sigma_min, double sigma_max,
                                          double rho);
// Quantiles of a Laplace distribution of log sigma (Hang et al., arXiv:2407.03297), clamped to the
// range.
std::vector<float> laplace_sigmas(int steps, double sigma_min, double sigma_max, double mu,
                                  double beta);
// The continuous variance-preserving process of Song et al., arXiv:2011.13456, down to time
// `eps_s`.
std::vector<float> vp_sigmas(int steps, double beta_d, double beta_min, double eps_s);
// Timesteps at quantiles of a beta distribution (arXiv:2407.12173); repeated timesteps count once.
// REQUIRES: alpha, beta > 0.
std::vector<float> beta_sigmas(const NoiseSchedule& model, int steps, double alpha, double beta);

// Optimised tables (Sabour et al., arXiv:2404.14507), log-linearly resampled: `model` is "SD1",
// "SDXL" or "SVD", else kInvalidInput. `denoise` below 1 keeps the last round(steps * denoise)
// steps; 0 or less none.
Result<std::vector<float>> align_your_steps_sigmas(std::string_view model, int steps,
                                                   double denoise);
// For SD Turbo and SDXL Turbo: timesteps 999, 899, … from the place that `denoise` says. steps is
// 1…10.
Result<std::vector<float>> sd_turbo_sigmas(const NoiseSchedule& model, int steps, double denoise);

}  // namespace obscura::diffusion
