// Sampling that changes only a part of an image.
#pragma once

#include <optional>

#include "diffusion/noise.h"
#include "diffusion/sampler.h"

namespace obscura::diffusion {

// A noise mask (masks, H, W), 1 where the image may change, brought bilinearly to a latent's size
// and repeated over its batch and channels: (B, C, H, W). Not rounded: soft edges stay soft.
// kInvalidInput for a mask of another rank or without pixels.
Result<Tensor> latent_mask(const Tensor& mask, const Shape& latent);

// The noise that the kept area is shown with: the start noise, or for samplers with
// fresh_mask_noise (ddim) other noise, of the seed + 1.
Result<Tensor> kept_area_noise(const Sampler& sampler, const Tensor& start_noise,
                               const NoiseSeeds& seeds);

// Which part of a mask counts at a sigma: the mask that differential diffusion (Levin and Fried,
// arXiv:2306.00950) shows the network there. Pixels of a high value begin to change early, others
// late; `strength` below 1 blends that with the mask as it is.
struct DifferentialMask {
  double first_timestep, last_timestep;  // of the run
  double strength = 1;
  Tensor at(const Tensor& mask, double timestep) const;
};

// A denoiser that keeps what the mask leaves out. Before each call that area of x is replaced by
// `latent` noised to sigma; after it, that area of x0 by `latent` itself. All tensors have the
// latent's shape. The unconditional prediction is passed on as it is.
Denoiser masked_denoiser(Denoiser inner, const NoiseSchedule& model, Tensor mask, Tensor latent,
                         Tensor noise, std::optional<DifferentialMask> differential = {});

}  // namespace obscura::diffusion
