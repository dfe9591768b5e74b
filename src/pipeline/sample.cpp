#include "pipeline/sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "diffusion/latent_math.h"
#include "pipeline/denoiser.h"
#include "tensor/resize.h"

namespace obscura::pipeline {
namespace {

using diffusion::Denoised;
using diffusion::NoiseSeeds;
using diffusion::weighted_sum;

NoiseSeeds seeds_of(const SampleRequest& request) {
  if (request.latent.seeds.empty()) return NoiseSeeds::shared(request.seed);
  return NoiseSeeds::per_image(request.latent.seeds);
}

Result<Tensor> start_noise(const SampleRequest& request, const Shape& shape) {
  if (!request.add_noise) return Tensor(shape);
  const std::vector<std::int64_t>& places = request.latent.batch_index;
  if (request.latent.seeds.empty() && !places.empty())
    return diffusion::initial_noise_at(shape, request.seed, places);
  return diffusion::initial_noise(shape, seeds_of(request));
}

// A latent of nothing but zeros means "no picture": it is not scaled, so that it stays what it is.
Tensor scaled(const Tensor& latent, double scale) {
  bool empty =
      std::all_of(latent.values().begin(), latent.values().end(), [](float v) { return v == 0; });
  return empty ? latent : weighted_sum({{scale, latent}});
}

// Where the picture must stay, sampling is led along the latent itself: before each model call it
// is set to the latent noised to that sigma, after it to the latent. (B, C, h, w) mask, 1 where
// sampling is free.
class MaskedDenoiser {
 public:
  MaskedDenoiser(GuidedDenoiser& inner, const diffusion::NoiseSchedule& schedule,
                 const Tensor& mask, const Tensor& latent, const Tensor& noise)
      : inner_(inner), schedule_(schedule), mask_(mask), latent_(latent), noise_(noise) {}

  Result<Denoised> operator()(const Tensor& x, float sigma) {
    OBSCURA_ASSIGN(Denoised denoised,
                   inner_(blend(x, schedule_.noised(latent_, noise_, sigma)), sigma));
    denoised.x0 = blend(denoised.x0, latent_);
    return denoised;
  }

 private:
  Tensor blend(const Tensor& inside, const Tensor& outside) const {
    Tensor result(inside.shape());
    for (std::int64_t i = 0; i < result.elements(); ++i) {
      float m = mask_.data()[i];
      result.data()[i] = inside.data()[i] * m + outside.data()[i] * (1 - m);
    }
    return result;
  }

  GuidedDenoiser& inner_;
  const diffusion::NoiseSchedule& schedule_;
  const Tensor &mask_, &latent_, &noise_;
};

// The mask of every image and channel, at the latent's size.
Result<Tensor> spread_mask(const Tensor& mask, const Shape& latent) {
  const Shape& m = mask.shape();
  if (m[0] != 1 && m[0] != latent[0]) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("a noise mask of {} images for {} latents", m[0], latent[0]));
  }
  Tensor small =
      resize(mask.reshaped({m[0], 1, m[1], m[2]}), latent[3], latent[2], ResizeMethod::kBilinear);
  Tensor full(latent);
  std::int64_t pixels = latent[2] * latent[3];
  for (std::int64_t i = 0; i < latent[0] * latent[1]; ++i) {
    std::int64_t image = m[0] == 1 ? 0 : i / latent[1];
    std::copy_n(small.data() + image * pixels, pixels, full.data() + i * pixels);
  }
  return full;
}

Status check(const SampleRequest& request) {
  const Shape& s = request.latent.samples.shape();
  std::int64_t channels = request.model->dimensions.in_channels;
  if (s.rank() != 4 || s[0] < 1 || s[2] < 1 || s[3] < 1) {
    return Error(ErrorKind::kInvalidInput,
                 "a latent of shape " + s.text() + " has no pixels to sample");
  }
  if (s[1] != channels) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("the model {} wants latents of {} channels, got {}",
                             request.model->file->name(), channels, s[1]));
  }
  if (request.positive.entries.empty())
    return Error(ErrorKind::kInvalidInput, "the positive conditioning is empty");
  return {};
}

Result<std::unique_ptr<diffusion::NoiseSource>> step_noise(const SampleRequest& request,
                                                           const diffusion::Sampler& sampler,
                                                           const Shape& shape) {
  switch (sampler.noise) {
    case diffusion::NoiseKind::kNone:
      return std::unique_ptr<diffusion::NoiseSource>();
    case diffusion::NoiseKind::kGaussian:
      return diffusion::gaussian_noise(shape, seeds_of(request));
    case diffusion::NoiseKind::kBrownian: {
      int positive = static_cast<int>(std::count_if(request.sigmas.begin(), request.sigmas.end(),
                                                    [](float s) { return s > 0; }));
      if (positive < 2)
        return diffusion::gaussian_noise(shape, seeds_of(request));  // one step draws nothing
      return diffusion::brownian_noise(shape, seeds_of(request), request.sigmas);
    }
  }
  return std::unique_ptr<diffusion::NoiseSource>();
}

}  // namespace

Result<Sampled> sample(runtime::Session& session, const SampleRequest& request) {
  OBSCURA_TRY(check(request));
  OBSCURA_ASSIGN(const diffusion::Sampler* sampler, diffusion::find_sampler(request.sampler));
  Sampled result{request.latent, request.latent.samples};
  if (request.sigmas.size() < 2) return result;

  const DiffusionModel& model = *request.model;
  const diffusion::NoiseSchedule& schedule = model.schedule;
  Tensor latent = scaled(request.latent.samples, model.latent_scale);
  const Shape shape = latent.shape();
  OBSCURA_TRY(seeds_of(request).check(shape));
  OBSCURA_ASSIGN(Tensor noise, start_noise(request, shape));

  GuidedDenoiser guided(session, request.model, request.positive, request.negative, request.cfg,
                        sampler->needs_uncond, request.cancel);
  diffusion::Denoiser denoise = [&](const Tensor& x, float sigma) { return guided(x, sigma); };
  Tensor mask, kept_noise = noise;
  std::optional<MaskedDenoiser> masked;
  if (request.latent.noise_mask) {
    OBSCURA_ASSIGN(mask, spread_mask(*request.latent.noise_mask, shape));
    if (sampler->fresh_mask_noise) {
      OBSCURA_ASSIGN(kept_noise, diffusion::initial_noise(shape, seeds_of(request).offset_by(1)));
    }
    masked.emplace(guided, schedule, mask, latent, kept_noise);
    denoise = [&](const Tensor& x, float sigma) { return (*masked)(x, sigma); };
  }
  OBSCURA_ASSIGN(auto noise_source, step_noise(request, *sampler, shape));

  diffusion::SamplerRun run{.denoise = denoise,
                            .model = schedule,
                            .sigmas = request.sigmas,
                            .noise = noise_source.get(),
                            .on_step = {},
                            .cancel = request.cancel,
                            .options = request.sampler_options};
  Tensor last;
  run.on_step = [&](int step, int steps, float sigma, const Tensor&, const Tensor& x0) -> Status {
    last = x0;
    if (!request.on_step) return {};
    Tensor unscaled = weighted_sum({{1.0 / model.latent_scale, x0}});
    return request.on_step({step, steps, sigma, &unscaled});
  };
  OBSCURA_ASSIGN(
      Tensor x,
      diffusion::sample(*sampler, run, schedule.start(latent, noise, request.sigmas.front())));
  x = schedule.finish(x, request.sigmas.back());
  if (masked) {
    // The last step leaves the kept part at the latent itself, whatever the solver's arithmetic did
    // to it.
    for (std::int64_t i = 0; i < x.elements() && request.sigmas.back() == 0; ++i) {
      x.data()[i] = x.data()[i] * mask.data()[i] + latent.data()[i] * (1 - mask.data()[i]);
    }
  }
  result.latent.samples = weighted_sum({{1.0 / model.latent_scale, x}});
  result.x0 =
      last.empty() ? result.latent.samples : weighted_sum({{1.0 / model.latent_scale, last}});
  return result;
}

}  // namespace obscura::pipeline
