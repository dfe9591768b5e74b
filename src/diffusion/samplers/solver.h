// A sampler run in progress: what the solvers in this folder are written in terms of.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "diffusion/latent_math.h"
#include "diffusion/noise_schedule.h"
#include "diffusion/sampler.h"
#include "tensor/resize.h"
#include "tensor/tensor.h"

namespace obscura::diffusion {

// Not thread safe. Sigmas are handed out as double; the denoiser is asked at them rounded to
// float32.
class Solver {
 public:
  // `options` holds every option of the sampler.
  Solver(const Sampler& sampler, const SamplerRun& run, SamplerOptions options);

  int steps() const { return static_cast<int>(sigmas_.size()) - 1; }
  double sigma(int i) const { return sigmas_[static_cast<std::size_t>(i)]; }
  const NoiseSchedule& model() const { return run_.model; }
  // Moves a flow's first sigma of 1, where the signal-to-noise ratio is 0, to that of 0.01 % of the
  // way.
  void avoid_zero_snr();

  double number(std::string_view option) const;
  int integer(std::string_view option) const { return static_cast<int>(number(option)); }
  const std::string& text(std::string_view option) const;

  // The denoiser at any point.
  Result<Denoised> denoise(const Tensor& x, double sigma);
  // The denoiser at the start of step i, reported to on_step.
  Result<Denoised> begin_step(int i, const Tensor& x) { return begin_step(i, x, sigma(i)); }
  Result<Denoised> begin_step(int i, const Tensor& x, double sigma);
  Status report(int i, double sigma, const Tensor& x, const Tensor& x0);

  // x after all steps, where advance(i, x, denoised) gives the Result<Tensor> at the end of step i.
  template <class Advance>
  Result<Tensor> each_step(Tensor x, const Advance& advance) {
    for (int i = 0; i < steps(); ++i) {
      OBSCURA_ASSIGN(Denoised denoised, begin_step(i, x));
      OBSCURA_ASSIGN(x, advance(i, std::move(x), denoised));
    }
    return x;
  }
  // The same, but a step that ends at sigma 0 ends at x0: there log sigma is no number.
  template <class Advance>
  Result<Tensor> each_step_to_x0(Tensor x, const Advance& advance) {
    return each_step(std::move(x), [&](int i, Tensor from, Denoised& denoised) -> Result<Tensor> {
      if (sigma(i + 1) == 0) return denoised.x0;
      return advance(i, std::move(from), denoised);
    });
  }

  Tensor noise(double sigma, double sigma_next);
  // The latent at another size, and so the noise from now on.
  Tensor resized(const Tensor& x, std::int64_t height, std::int64_t width, ResizeMethod method);
  // x + weight * noise; draws nothing if the weight is 0.
  Tensor with_noise(Tensor x, double weight, double sigma, double sigma_next);

 private:
  const Sampler& sampler_;
  const SamplerRun& run_;
  SamplerOptions options_;
  std::vector<double> sigmas_;
};

}  // namespace obscura::diffusion
