#include "diffusion/inpaint.h"

#include <algorithm>

#include "base/check.h"
#include "diffusion/regions.h"

namespace obscura::diffusion {
namespace {

// changed where the mask is 1, kept where it is 0
Tensor blend(const Tensor& mask, const Tensor& changed, const Tensor& kept) {
  Tensor result(changed.shape());
  for (std::int64_t i = 0; i < result.elements(); ++i) {
    float share = mask.data()[i];
    result.data()[i] = changed.data()[i] * share + kept.data()[i] * (1 - share);
  }
  return result;
}

}  // namespace

Result<Tensor> latent_mask(const Tensor& mask, const Shape& latent) {
  if (mask.shape().rank() != 3 || mask.empty()) {
    return Error(ErrorKind::kInvalidInput,
                 "[noise mask] wants (masks, height, width), got " + mask.shape().text());
  }
  Tensor fitted = fit_mask(mask, latent);
  Tensor full(latent);
  std::int64_t plane = latent[2] * latent[3];
  for (std::int64_t i = 0; i < latent[0] * latent[1]; ++i) {
    std::int64_t image = i / latent[1] % fitted.shape()[0];
    std::copy_n(fitted.data() + image * plane, plane, full.data() + i * plane);
  }
  return full;
}

Result<Tensor> kept_area_noise(const Sampler& sampler, const Tensor& start_noise,
                               const NoiseSeeds& seeds) {
  if (!sampler.fresh_mask_noise) return start_noise;
  return initial_noise(start_noise.shape(), seeds.offset_by(1));
}

Tensor DifferentialMask::at(const Tensor& mask, double timestep) const {
  const double span = first_timestep - last_timestep;
  const auto threshold = static_cast<float>(span > 0 ? (timestep - last_timestep) / span : 0);
  const bool blended = strength > 0 && strength < 1;
  Tensor result(mask.shape());
  for (std::int64_t i = 0; i < mask.elements(); ++i) {
    const float hard = mask.data()[i] >= threshold ? 1 : 0;
    result.data()[i] = blended ? static_cast<float>(strength) * hard +
                                     static_cast<float>(1 - strength) * mask.data()[i]
                               : hard;
  }
  return result;
}

Denoiser masked_denoiser(Denoiser inner, const NoiseSchedule& model, Tensor mask, Tensor latent,
                         Tensor noise, std::optional<DifferentialMask> differential) {
  OBSCURA_CHECK(mask.shape() == latent.shape() && noise.shape() == latent.shape(),
                "[inpaint] mask, latent and noise of different shapes");
  return [=](const Tensor& x, float sigma) -> Result<Denoised> {
    const Tensor now = differential ? differential->at(mask, model.timestep(sigma)) : mask;
    OBSCURA_ASSIGN(Denoised denoised,
                   inner(blend(now, x, model.noised(latent, noise, sigma)), sigma));
    denoised.x0 = blend(now, denoised.x0, latent);
    return denoised;
  };
}

}  // namespace obscura::diffusion
