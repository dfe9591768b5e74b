// The sigmas a network was trained on, and what its output means at each.
//
// A sampler works with x = x0 + sigma * noise; the network was trained at integer timesteps 0…999.
// Timestep and sigma run the same way: 999 is the noisiest.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "tensor/tensor.h"

namespace obscura::diffusion {

enum class Prediction {
  kEpsilon,  // the network returns the noise
  kV,        // the velocity of Salimans and Ho, arXiv:2202.00512
  kX0,       // the clean latent itself
  kImage,    // the clean latent, from an input that is not scaled
  kEdm,      // Karras et al., arXiv:2206.00364, table 1, with the sigma of the data
  kLcm,      // the noise, blended by the boundary conditions of arXiv:2310.04378
  kFlow,     // rectified flow: x = (1 - sigma) * x0 + sigma * noise, the network returns noise - x0
};

// Of training: betas whose square roots run linearly from one to the other. Stable Diffusion's.
struct BetaRange {
  double first = 0.00085, last = 0.012;
};

// What a network of continuous sigmas is told: ln(sigma) / 4, or 2 atan(sigma) / pi.
enum class ContinuousTime { kLogSigma, kAngle };

// Immutable; copies share the table. Thread safe.
class NoiseSchedule {
 public:
  // SDXL, SD 1.5 and SD 2 as published. `zero_terminal_snr` rescales the betas so that the last
  // level is pure noise (Lin et al., arXiv:2305.08891); it is then cut off at sigma = 4518.76, as
  // in ComfyUI, to stay finite. REQUIRES: prediction is kEpsilon or kV.
  static NoiseSchedule discrete(Prediction prediction = Prediction::kEpsilon,
                                bool zero_terminal_snr = false, BetaRange betas = {});
  // The 50 levels that latent consistency models were distilled at (arXiv:2310.04378), every 20th
  // of the published ones.
  static NoiseSchedule distilled(bool zero_terminal_snr = false);
  // Any level from `sigma_min` to `sigma_max`. `sigma_data` is the deviation of clean latents that
  // the network was trained with. REQUIRES: 0 < sigma_min < sigma_max; prediction is kEpsilon, kV
  // or kEdm.
  static NoiseSchedule continuous(Prediction prediction, double sigma_min, double sigma_max,
                                  double sigma_data, ContinuousTime time);
  // Rectified flow: sigma = shift * t / (1 + (shift - 1) * t). REQUIRES: shift > 0.
  static NoiseSchedule flow(double shift);

  Prediction prediction() const { return prediction_; }
  bool is_flow() const { return prediction_ == Prediction::kFlow; }
  double sigma_min() const { return sigmas_->front(); }
  double sigma_max() const { return sigmas_->back(); }
  // The sigmas of the training timesteps, ascending.
  std::span<const float> sigmas() const { return *sigmas_; }

  // Log-linear between the table's entries; timesteps outside count as its ends.
  double sigma(double timestep) const;
  // What the network is told: the timestep with the nearest log sigma, an integer, as ComfyUI does.
  // Flow: 1000 * sigma.
  double timestep(double sigma) const;
  // The sigma at which a part of the way through sampling begins: 0 the start, above every sigma; 1
  // the end.
  double percent_to_sigma(double percent) const;

  // alpha in x = alpha * x0 + sigma * noise: 1, or 1 - sigma for flow.
  double alpha(double sigma) const { return is_flow() ? 1 - sigma : 1; }
  // ln(alpha / sigma), half the logarithm of the signal-to-noise ratio; and back.
  double half_log_snr(double sigma) const;
  double sigma_of_half_log_snr(double half_log_snr) const;

  // x times this is the network's input.
  double input_scale(double sigma) const;
  // The clean latent that a network's output at x stands for.
  Tensor denoised(const Tensor& x, const Tensor& output, double sigma) const;
  // The latent at `sigma` with this noise and this clean latent.
  Tensor noised(const Tensor& latent, const Tensor& noise, double sigma) const;
  // Where sampling starts. At the highest sigma nothing of the latent would be left in training, so
  // the noise is scaled to the variance the network knows: latent + noise * sqrt(1 + sigma^2).
  Tensor start(const Tensor& latent, const Tensor& noise, double first_sigma) const;
  // What sampling returns when it ended at `last_sigma`.
  Tensor finish(const Tensor& x, double last_sigma) const;

 private:
  NoiseSchedule(Prediction prediction, double shift, std::vector<double> sigmas);

  Prediction prediction_;
  double shift_;
  double sigma_data_ = 1;
  int timesteps_per_level_ = 1;  // of the table
  std::optional<ContinuousTime> continuous_;
  // float32, as ComfyUI keeps them: the logarithms are of the sigmas before rounding.
  std::shared_ptr<const std::vector<float>> sigmas_;
  std::shared_ptr<const std::vector<float>> log_sigmas_;
};

}  // namespace obscura::diffusion
