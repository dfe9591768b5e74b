#include "pipeline/denoiser.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "diffusion/latent_math.h"
#include "models/unet/unet.h"
#include "pipeline/network.h"
#include "tensor/resize.h"

namespace obscura::pipeline {
namespace {

constexpr int kFeather =
    8;  // latent pixels over which an area fades in, where it does not touch the picture's edge

Area whole(const Shape& latent) {
  return {latent[2], latent[3], 0, 0};
}

Area clip(Area area, const Shape& latent) {
  area.top = std::clamp<std::int64_t>(area.top, 0, latent[2] - 1);
  area.left = std::clamp<std::int64_t>(area.left, 0, latent[3] - 1);
  area.height = std::clamp<std::int64_t>(area.height, 1, latent[2] - area.top);
  area.width = std::clamp<std::int64_t>(area.width, 1, latent[3] - area.left);
  return area;
}

Tensor crop(const Tensor& x, const Area& area) {
  const Shape& s = x.shape();
  Tensor part(Shape{1, s[1], area.height, area.width});
  float* target = part.data();
  for (std::int64_t c = 0; c < s[1]; ++c) {
    for (std::int64_t row = 0; row < area.height; ++row) {
      const float* source = x.data() + (c * s[2] + area.top + row) * s[3] + area.left;
      target = std::copy_n(source, area.width, target);
    }
  }
  return part;
}

// How much of the weight a row or column keeps, `i` from the area's near edge at `begin` to its far
// edge.
float fade(std::int64_t i, std::int64_t begin, std::int64_t length, std::int64_t picture) {
  float weight = 1;
  if (begin != 0 && i < kFeather) weight *= static_cast<float>(i + 1) / kFeather;
  if (begin + length < picture && length - 1 - i < kFeather)
    weight *= static_cast<float>(length - i) / kFeather;
  return weight;
}

// Adds prediction * weight at the area, and the weight itself to the count.
void accumulate(const Tensor& prediction, const Tensor& weight, const Area& area, Tensor& sum,
                Tensor& count) {
  const Shape& s = sum.shape();
  for (std::int64_t row = 0; row < area.height; ++row) {
    for (std::int64_t column = 0; column < area.width; ++column) {
      float w = weight.data()[row * area.width + column];
      std::int64_t place = (area.top + row) * s[3] + area.left + column;
      count.data()[place] += w;
      for (std::int64_t c = 0; c < s[1]; ++c) {
        sum.data()[c * s[2] * s[3] + place] +=
            w * prediction.data()[(c * area.height + row) * area.width + column];
      }
    }
  }
}

void divide(Tensor& sum, const Tensor& count) {
  std::int64_t pixels = count.elements();
  for (std::int64_t i = 0; i < sum.elements(); ++i) {
    float w = count.data()[i % pixels];
    sum.data()[i] = w > 0 ? sum.data()[i] / w : 0.0f;
  }
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

Result<GuidedDenoiser::Prepared> GuidedDenoiser::prepare(const Condition& condition,
                                                         const Shape& latent) const {
  const models::UNetDimensions& wanted = model_->dimensions;
  if (condition.states.shape()[2] != wanted.context_width) {
    return Error(
        ErrorKind::kInvalidInput,
        fmt::format("the model {} wants text states of {} features, the conditioning has {}: it "
                    "was made by the "
                    "text encoders of another kind of model",
                    model_->file->name(), wanted.context_width, condition.states.shape()[2]));
  }
  Prepared prepared;
  prepared.condition = &condition;
  prepared.start_sigma = model_->schedule.percent_to_sigma(condition.start_percent);
  prepared.end_sigma = model_->schedule.percent_to_sigma(condition.end_percent);
  if (wanted.label_width > 0) {
    double height = static_cast<double>(latent[2]) * 8, width = static_cast<double>(latent[3]) * 8;
    SizeConditioning size =
        condition.size.value_or(SizeConditioning{height, width, 0, 0, height, width});
    if (condition.pooled.elements() + 6 * 256 != wanted.label_width) {
      return Error(ErrorKind::kInvalidInput,
                   fmt::format("the model {} wants a pooled text state of {} features, got {}",
                               model_->file->name(), wanted.label_width - 6 * 256,
                               condition.pooled.elements()));
    }
    prepared.label = label_vector(condition.pooled, size, wanted.label_width);
  }
  prepared.area = condition.area ? clip(*condition.area, latent) : whole(latent);
  const Area& area = prepared.area;
  prepared.weight = Tensor(Shape{1, 1, area.height, area.width});
  Tensor mask;
  if (condition.mask) {
    const Shape& m = condition.mask->shape();
    mask = crop(resize(condition.mask->reshaped({m[0], 1, m[1], m[2]}), latent[3], latent[2],
                       ResizeMethod::kBilinear)
                    .slice(0),
                area);
  }
  for (std::int64_t row = 0; row < area.height; ++row) {
    for (std::int64_t column = 0; column < area.width; ++column) {
      std::int64_t i = row * area.width + column;
      double weight = condition.strength;
      if (condition.mask) {
        weight *= condition.mask_strength * mask.data()[i];
      } else {
        weight *= fade(row, area.top, area.height, latent[2]) *
                  fade(column, area.left, area.width, latent[3]);
      }
      prepared.weight.data()[i] = static_cast<float>(weight);
    }
  }
  return prepared;
}

Status GuidedDenoiser::prepare(const Shape& latent) {
  Shape one = latent;
  one.set(0, 1);
  if (prepared_for_ == one) return {};
  prepared_for_ = one;
  cond_.clear();
  uncond_.clear();
  for (const Condition& condition : positive_.entries) {
    OBSCURA_ASSIGN(Prepared prepared, prepare(condition, one));
    cond_.push_back(std::move(prepared));
  }
  // Both predictions are equal weights of each other at 1: half the work saved.
  if (cfg_ == 1 && !needs_uncond_) return {};
  for (const Condition& condition : negative_.entries) {
    OBSCURA_ASSIGN(Prepared prepared, prepare(condition, one));
    uncond_.push_back(std::move(prepared));
  }
  return {};
}

Result<std::vector<Tensor>> GuidedDenoiser::call(const Tensor& x, double sigma,
                                                 std::vector<const Prepared*> conditions) {
  const Area& area = conditions[0]->area;
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
    latents.push_back(crop(x, prepared->area));
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
  struct Job {
    const Prepared* prepared;
    bool positive;
  };
  std::vector<Job> jobs;
  auto collect = [&](const std::vector<Prepared>& conditions, bool positive) {
    for (const Prepared& prepared : conditions) {
      if (sigma <= prepared.start_sigma && sigma >= prepared.end_sigma)
        jobs.push_back({&prepared, positive});
    }
  };
  collect(cond_, true);
  collect(uncond_, false);

  Shape plane{1, 1, x.shape()[2], x.shape()[3]};
  Tensor sums[2] = {Tensor(x.shape()), Tensor(x.shape())},
         counts[2] = {Tensor(plane), Tensor(plane)};
  auto run = [&](const std::vector<Job>& pair) -> Status {
    std::vector<const Prepared*> conditions;
    for (const Job& job : pair) conditions.push_back(job.prepared);
    OBSCURA_ASSIGN(auto predictions, call(x, sigma, conditions));
    for (std::size_t i = 0; i < pair.size(); ++i) {
      const Prepared& prepared = *pair[i].prepared;
      int side = pair[i].positive ? 0 : 1;
      accumulate(predictions[i], prepared.weight, prepared.area, sums[side], counts[side]);
    }
    return {};
  };
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
    OBSCURA_TRY(run(pair));
  }
  divide(sums[0], counts[0]);
  divide(sums[1], counts[1]);
  return Prediction{sums[0], uncond_.empty() ? Tensor() : sums[1]};
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
