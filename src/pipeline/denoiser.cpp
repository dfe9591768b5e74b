#include "pipeline/denoiser.h"

#include <fmt/format.h>

#include <algorithm>

#include "diffusion/guidance.h"
#include "diffusion/latent_math.h"
#include "models/unet/unet.h"
#include "pipeline/network.h"
#include "tensor/resize.h"

namespace obscura::pipeline {
namespace {

// Where a condition applies; none: everywhere. `mask` is its mask at the latent's size.
std::optional<diffusion::Area> area_of(const Condition& condition, const Tensor& mask,
                                       const Shape& latent) {
  if (condition.area_is_mask_bounds && !mask.empty()) return diffusion::bounds_of_mask(mask);
  if (!condition.area && condition.area_fractions) {
    const AreaFractions& part = *condition.area_fractions;
    return diffusion::area_of_fractions(part.height, part.width, part.y, part.x, latent);
  }
  return condition.area;
}

}  // namespace

GuidedDenoiser::GuidedDenoiser(runtime::Session& session,
                               std::shared_ptr<const DiffusionModel> model, Conditioning positive,
                               Conditioning negative, double cfg, bool needs_uncond,
                               CancelToken cancel)
    : session_(session),
      model_(std::move(model)),
      positive_(std::move(positive)),
      negative_(std::move(negative)),
      cfg_(cfg),
      needs_uncond_(needs_uncond),
      cancel_(std::move(cancel)) {}

Result<Tensor> GuidedDenoiser::label(const Condition& condition, const Shape& latent) const {
  std::int64_t wanted = model_->dimensions.label_width;
  if (wanted == 0) return Tensor();
  std::int64_t pooled = wanted - kSizeFeatures;
  if (condition.pooled.elements() != pooled) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("the model {} wants a pooled text state of {} features, got {}",
                             model_->file->name(), pooled, condition.pooled.elements()));
  }
  double height = static_cast<double>(latent[2]) * 8, width = static_cast<double>(latent[3]) * 8;
  SizeConditioning uncropped{height, width, 0, 0, height, width};
  return label_vector(condition.pooled, condition.size.value_or(uncropped));
}

Result<GuidedDenoiser::Side> GuidedDenoiser::prepare(const Conditioning& conditioning,
                                                     const Shape& latent) const {
  Side side;
  for (const Condition& condition : conditioning.entries) {
    if (condition.states.shape()[2] != model_->dimensions.context_width) {
      return Error(ErrorKind::kInvalidInput,
                   fmt::format("the model {} wants text states of {} features, the conditioning "
                               "has {}: it was made by "
                               "the text encoders of another kind of model",
                               model_->file->name(), model_->dimensions.context_width,
                               condition.states.shape()[2]));
    }
    Prepared prepared;
    prepared.condition = &condition;
    prepared.region.strength = condition.strength;
    prepared.region.mask_strength = condition.mask_strength;
    if (condition.mask) prepared.region.mask = diffusion::fit_mask(*condition.mask, latent);
    prepared.region.start_sigma = model_->schedule.percent_to_sigma(condition.start_percent);
    prepared.region.end_sigma = model_->schedule.percent_to_sigma(condition.end_percent);
    prepared.region.area = area_of(condition, prepared.region.mask, latent);
    const auto& area = prepared.region.area;
    if (area && (area->y >= latent[2] || area->x >= latent[3])) {
      return Error(ErrorKind::kInvalidInput,
                   fmt::format("an area that begins at {}, {} lies outside a picture of {}x{}",
                               area->x * 8, area->y * 8, latent[3] * 8, latent[2] * 8));
    }
    prepared.area = diffusion::evaluated_area(prepared.region, latent);
    prepared.weights = diffusion::region_weights(prepared.region, latent);
    OBSCURA_ASSIGN(prepared.label, label(condition, latent));
    side.push_back(std::move(prepared));
  }
  return side;
}

Status GuidedDenoiser::prepare(const Shape& latent) {
  Shape one = latent;
  one.set(0, 1);
  if (prepared_for_ == one) return {};
  prepared_for_ = one;
  OBSCURA_ASSIGN(cond_, prepare(positive_, one));
  uncond_.clear();
  // With a scale of 1 the negative prediction cancels out: half the work saved.
  if (cfg_ == 1 && !needs_uncond_) return {};
  OBSCURA_ASSIGN(uncond_, prepare(negative_, one));
  return {};
}

Result<std::vector<Tensor>> GuidedDenoiser::call(const Tensor& x, double sigma,
                                                 const std::vector<const Prepared*>& conditions) {
  const diffusion::Area& area = conditions[0]->area;
  auto batch = static_cast<std::int64_t>(conditions.size());
  std::int64_t tokens = conditions[0]->condition->states.shape()[1];
  models::UNetCall shape{
      .batch = batch, .height = area.height, .width = area.width, .tokens = tokens};
  std::string key = fmt::format("unet {}x{}x{} {} tokens", batch, area.height, area.width, tokens);
  OBSCURA_ASSIGN(runtime::Program * program, session_.program(key, model_->weights, [&] {
    return models::build_unet(*model_->weights, model_->config, shape);
  }));

  std::vector<Tensor> latents, states, labels;
  for (const Prepared* prepared : conditions) {
    latents.push_back(diffusion::cut_out(x, prepared->area));
    states.push_back(prepared->condition->states);
    labels.push_back(prepared->label);
  }
  Tensor noisy = concatenate(latents);
  Tensor scaled = diffusion::weighted_sum({{model_->schedule.input_scale(sigma), noisy}});
  auto timestep = static_cast<float>(model_->schedule.timestep(sigma));
  std::vector<NamedInput> inputs = {{"x", image_of_planes(scaled)},
                                    {"timestep", Tensor::filled({batch}, timestep)}};
  if (model_->dimensions.context_width > 0) inputs.push_back({"context", concatenate(states)});
  if (model_->dimensions.label_width > 0) inputs.push_back({"y", concatenate(labels)});
  OBSCURA_ASSIGN(auto eps, run_network(session_, *program, inputs, {"eps"}, cancel_));
  Tensor x0 = model_->schedule.denoised(noisy, planes_of_image(eps[0]), sigma);
  std::vector<Tensor> predictions;
  for (std::int64_t i = 0; i < batch; ++i) predictions.push_back(x0.slice(i));
  return predictions;
}

Result<GuidedDenoiser::Prediction> GuidedDenoiser::predict(const Tensor& x, double sigma) {
  std::vector<diffusion::RegionPrediction> cond, uncond;
  struct Job {
    const Prepared* prepared;
    std::vector<diffusion::RegionPrediction>* result;
  };
  std::vector<Job> jobs;
  auto collect = [&](const Side& side, std::vector<diffusion::RegionPrediction>& result) {
    for (const Prepared& prepared : side) {
      if (prepared.region.active_at(sigma)) jobs.push_back({&prepared, &result});
    }
  };
  collect(cond_, cond);
  collect(uncond_, uncond);

  // Two at a time where sizes allow: the weights are then read once for both.
  auto alike = [](const Job& a, const Job& b) {
    return a.prepared->area.height == b.prepared->area.height &&
           a.prepared->area.width == b.prepared->area.width &&
           a.prepared->condition->states.shape() == b.prepared->condition->states.shape();
  };
  while (!jobs.empty()) {
    std::vector<Job> pair = {jobs.front()};
    jobs.erase(jobs.begin());
    auto partner =
        std::find_if(jobs.begin(), jobs.end(), [&](const Job& job) { return alike(job, pair[0]); });
    if (partner != jobs.end()) {
      pair.push_back(*partner);
      jobs.erase(partner);
    }
    std::vector<const Prepared*> conditions;
    for (const Job& job : pair) conditions.push_back(job.prepared);
    OBSCURA_ASSIGN(auto predictions, call(x, sigma, conditions));
    for (std::size_t i = 0; i < pair.size(); ++i) {
      pair[i].result->push_back(
          {predictions[i], pair[i].prepared->area, pair[i].prepared->weights});
    }
  }
  return Prediction{diffusion::weighted_mean(x.shape(), cond),
                    uncond_.empty() ? Tensor() : diffusion::weighted_mean(x.shape(), uncond)};
}

Result<diffusion::Denoised> GuidedDenoiser::operator()(const Tensor& x, float sigma) {
  OBSCURA_TRY(prepare(x.shape()));
  std::vector<Tensor> guided, unguided;
  for (std::int64_t b = 0; b < x.shape()[0]; ++b) {
    OBSCURA_ASSIGN(Prediction prediction, predict(x.slice(b), sigma));
    if (prediction.uncond.empty()) prediction.uncond = prediction.cond;
    guided.push_back(
        diffusion::weighted_sum({{1 - cfg_, prediction.uncond}, {cfg_, prediction.cond}}));
    unguided.push_back(std::move(prediction.uncond));
  }
  return diffusion::Denoised{concatenate(guided), concatenate(unguided)};
}

}  // namespace obscura::pipeline
