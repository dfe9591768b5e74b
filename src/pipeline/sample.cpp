#include "pipeline/sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "diffusion/inpaint.h"
#include "diffusion/latent_math.h"
#include "pipeline/denoiser.h"

namespace obscura::pipeline {
namespace {

using diffusion::NoiseSeeds;
using diffusion::weighted_sum;

NoiseSeeds seeds_of(const SampleRequest& request) {
  if (request.varied_noise) return request.varied_noise->seeds(request.latent.samples.shape()[0]);
  if (request.latent.seeds.empty()) return NoiseSeeds::shared(request.seed);
  return NoiseSeeds::per_image(request.latent.seeds);
}

Result<Tensor> start_noise(const SampleRequest& request, const Shape& shape) {
  if (!request.add_noise) return Tensor(shape);
  if (request.varied_noise) return diffusion::initial_noise(shape, *request.varied_noise);
  const std::vector<std::int64_t>& places = request.latent.batch_index;
  if (request.latent.seeds.empty() && !places.empty())
    return diffusion::initial_noise_at(shape, request.seed, places);
  return diffusion::initial_noise(shape, seeds_of(request));
}

// A latent of nothing but zeros means "no image": it is not scaled, so that it stays what it is.
Tensor scaled(const Tensor& latent, double scale) {
  bool empty =
      std::all_of(latent.values().begin(), latent.values().end(), [](float v) { return v == 0; });
  return empty ? latent : weighted_sum({{scale, latent}});
}

Status check_latent(const SampleRequest& request) {
  const Shape& s = request.latent.samples.shape();
  std::int64_t channels = request.model->latent_channels();
  if (s.rank() != 4 || s[0] < 1 || s[2] < 1 || s[3] < 1) {
    return Error(ErrorKind::kInvalidInput,
                 "a latent of shape " + s.text() + " has no pixels to sample");
  }
  if (s[1] != channels) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("the model {} wants latents of {} channels, got {}",
                             request.model->file->name(), channels, s[1]));
  }
  return {};
}

Status check(const SampleRequest& request) {
  OBSCURA_TRY(check_latent(request));
  if (request.guidance.positive.entries.empty())
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
      if (request.varied_noise) return diffusion::gaussian_noise(shape, *request.varied_noise);
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

// Over the timesteps of this run.
std::optional<diffusion::DifferentialMask> differential_mask(const SampleRequest& request) {
  const DiffusionModel& model = *request.model;
  if (!model.patches.differential) return std::nullopt;
  double last = std::max<double>(model.schedule.sigma_min(), request.sigmas.back());
  return diffusion::DifferentialMask{model.schedule.timestep(request.sigmas.front()),
                                     model.schedule.timestep(last), *model.patches.differential};
}

}  // namespace

Result<Sampled> sample(runtime::Session& session, const SampleRequest& request) {
  OBSCURA_TRY(check(request));
  OBSCURA_ASSIGN(const diffusion::Sampler* sampler, diffusion::find_sampler(request.sampler));
  Sampled result{request.latent, request.latent.samples, {}};
  if (request.sigmas.size() < 2) return result;

  const DiffusionModel& model = *request.model;
  const diffusion::NoiseSchedule& schedule = model.schedule;
  Tensor latent = scaled(request.latent.samples, model.family->latents.scale);
  const Shape shape = latent.shape();
  OBSCURA_TRY(seeds_of(request).check(shape));
  if (sampler->resizes && request.latent.noise_mask) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("the sampler {} changes the size of the image, and so cannot keep "
                             "the part that a mask keeps: leave the mask out",
                             sampler->name));
  }
  OBSCURA_ASSIGN(Tensor noise, start_noise(request, shape));

  GuidedDenoiser guided(session, request.model, request.guidance, sampler->needs_uncond,
                        request.cancel);
  guided.show({latent, request.latent.noise_mask});
  guided.follow(request.sigmas);
  diffusion::Denoiser denoise = [&](const Tensor& x, float sigma) { return guided(x, sigma); };
  if (const auto& reuse = model.patches.reuse; reuse && reuse->of == StepReuse::Of::kDenoiser) {
    denoise = diffusion::lazy_denoiser(std::move(denoise), reuse->options(schedule),
                                       result.reuse.emplace_back());
  }
  if (request.latent.noise_mask) {
    OBSCURA_ASSIGN(Tensor mask, diffusion::latent_mask(*request.latent.noise_mask, shape));
    OBSCURA_ASSIGN(Tensor kept, diffusion::kept_area_noise(*sampler, noise, seeds_of(request)));
    denoise = diffusion::masked_denoiser(std::move(denoise), schedule, mask, latent, kept,
                                         differential_mask(request));
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
    Tensor unscaled = weighted_sum({{1.0 / model.family->latents.scale, x0}});
    return request.on_step({step, steps, sigma, &unscaled});
  };
  OBSCURA_ASSIGN(
      Tensor x,
      diffusion::sample(*sampler, run, schedule.start(latent, noise, request.sigmas.front())));
  if (result.reuse.empty()) result.reuse = guided.left_out();
  x = schedule.finish(x, request.sigmas.back());
  result.latent.samples = weighted_sum({{1.0 / model.family->latents.scale, x}});
  result.x0 = last.empty() ? result.latent.samples
                           : weighted_sum({{1.0 / model.family->latents.scale, last}});
  return result;
}

Result<Latent> add_noise(const SampleRequest& request, double sigma) {
  OBSCURA_TRY(check_latent(request));
  const DiffusionModel& model = *request.model;
  Tensor latent = scaled(request.latent.samples, model.family->latents.scale);
  OBSCURA_TRY(seeds_of(request).check(latent.shape()));
  OBSCURA_ASSIGN(Tensor noise, start_noise(request, latent.shape()));
  Latent result = request.latent;
  result.samples = weighted_sum(
      {{1.0 / model.family->latents.scale, model.schedule.noised(latent, noise, sigma)}});
  return result;
}

}  // namespace obscura::pipeline
