#include "pipeline/denoiser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "diffusion/latent_math.h"
#include "models/unet/unet.h"
#include "pipeline/hooks.h"
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

// What the network showed of more images of a batch.
void add_images(std::vector<Tensor>& shown, std::vector<Tensor> more) {
  if (shown.empty()) {
    shown = std::move(more);
    return;
  }
  for (std::size_t i = 0; i < shown.size(); ++i)
    shown[i] = concatenate(std::array{std::move(shown[i]), std::move(more[i])});
}

}  // namespace

GuidedDenoiser::GuidedDenoiser(runtime::Session& session,
                               std::shared_ptr<const DiffusionModel> model, Guidance guidance,
                               bool needs_uncond, CancelToken cancel)
    : session_(session),
      model_(std::move(model)),
      guidance_(std::move(guidance)),
      needs_uncond_(needs_uncond),
      cancel_(std::move(cancel)) {
  for (const GuidancePatch& patch : model_->patches.guidance) functions_.push_back(patch());
}

Result<Tensor> GuidedDenoiser::label(const Condition& condition, const Shape& latent,
                                     bool negative) const {
  std::int64_t wanted = model_->dimensions.label_width;
  if (wanted == 0) return Tensor();
  double height = static_cast<double>(latent[2]) * 8, width = static_cast<double>(latent[3]) * 8;
  SizeConditioning uncropped{height, width, 0, 0, height, width};
  SizeConditioning size = condition.size.value_or(uncropped);
  std::vector<double> numbers = {size.height, size.width, size.crop_top, size.crop_left};
  if (model_->architecture == checkpoint::Architecture::kSdxlRefiner) {
    numbers.push_back(negative ? condition.aesthetic_score.value_or(2.5)
                               : condition.aesthetic_score.value_or(6.0));
  } else {
    numbers.insert(numbers.end(), {size.target_height, size.target_width});
  }
  std::int64_t pooled = wanted - static_cast<std::int64_t>(numbers.size()) * kNumberFeatures;
  if (condition.pooled.elements() != pooled) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("the model {} wants a pooled text state of {} features, got {}",
                             model_->file->name(), pooled, condition.pooled.elements()));
  }
  return label_vector(condition.pooled, numbers);
}

Result<GuidedDenoiser::Side> GuidedDenoiser::prepare(const Conditioning& conditioning,
                                                     const Shape& latent, bool negative) const {
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
    prepared.region.start_sigma = model_->schedule.percent_to_sigma(
        std::max(condition.start_percent, condition.text_start_percent));
    prepared.region.end_sigma = model_->schedule.percent_to_sigma(
        std::min(condition.end_percent, condition.text_end_percent));
    if (condition.steps) limit_to_steps(prepared.region, *condition.steps);
    prepared.region.area = area_of(condition, prepared.region.mask, latent);
    const auto& area = prepared.region.area;
    if (area && (area->y >= latent[2] || area->x >= latent[3])) {
      return Error(ErrorKind::kInvalidInput,
                   fmt::format("an area that begins at {}, {} lies outside a picture of {}x{}",
                               area->x * 8, area->y * 8, latent[3] * 8, latent[2] * 8));
    }
    prepared.area = diffusion::evaluated_area(prepared.region, latent);
    prepared.weights = diffusion::region_weights(prepared.region, latent);
    OBSCURA_ASSIGN(prepared.label, label(condition, latent, negative));
    prepared.concat = concat_channels(*model_, condition, latent, sampled_);
    side.push_back(std::move(prepared));
  }
  return side;
}

// A step reaches from its sigma down to above the next one's.
void GuidedDenoiser::limit_to_steps(diffusion::Region& region,
                                    const Condition::Steps& steps) const {
  const auto count = static_cast<int>(sigmas_.size()) - 1;
  if (steps.first >= count) {
    region.start_sigma = -1;  // never
    return;
  }
  if (steps.first > 0)
    region.start_sigma = std::min<double>(region.start_sigma, sigmas_[steps.first]);
  if (steps.end < count) {
    const float above = std::nextafter(sigmas_[steps.end], std::numeric_limits<float>::max());
    region.end_sigma = std::max<double>(region.end_sigma, above);
  }
}

bool GuidedDenoiser::wants_negative() const {
  // With a scale of 1 the negative prediction cancels out: half the work saved.
  const bool dual =
      guidance_.kind == GuidanceKind::kDualCfg || guidance_.kind == GuidanceKind::kDualCfgNested;
  if (needs_uncond_ || guidance_.kind == GuidanceKind::kPerpNeg) return true;
  for (const GuidanceFunctions& patch : functions_)
    if (patch.needs_uncond) return true;
  return dual ? guidance_.second != 1 : guidance_.cfg != 1;
}

void GuidedDenoiser::add_counterparts(Side& own, const Side& others, const Shape& latent) {
  auto regions_of = [](const Side& side) {
    std::vector<diffusion::Region> regions;
    for (const Prepared& prepared : side) regions.push_back(prepared.region);
    return regions;
  };
  const auto own_regions = regions_of(own), other_regions = regions_of(others);
  for (const diffusion::RegionUse& use : diffusion::counterparts(own_regions, other_regions)) {
    Prepared added = own[use.conditioning];
    added.region = use.region;
    added.area = diffusion::evaluated_area(added.region, latent);
    added.weights = diffusion::region_weights(added.region, latent);
    own.push_back(std::move(added));
  }
}

Status GuidedDenoiser::prepare(const Shape& latent) {
  Shape one = latent;
  one.set(0, 1);
  if (prepared_for_ == one) return {};
  prepared_for_ = one;
  asked_.clear();
  uncond_.clear();
  for (auto& [image, reuse] : reuse_) reuse.forget();
  OBSCURA_ASSIGN(cond_, prepare(guidance_.positive, one, false));
  OBSCURA_ASSIGN(third_, prepare(guidance_.third, one, false));
  if (wants_negative()) {
    OBSCURA_ASSIGN(uncond_, prepare(guidance_.negative, one, true));
  }
  for (Side* other : {&uncond_, &third_}) {
    add_counterparts(*other, cond_, one);
    add_counterparts(cond_, *other, one);
  }
  return {};
}

models::UNetChanges GuidedDenoiser::changes_at(double sigma) const {
  models::UNetChanges changes = model_->patches.unet;
  const std::optional<TimedShrink>& timed = model_->patches.shrink;
  if (timed && sigma <= model_->schedule.percent_to_sigma(timed->start_percent) &&
      sigma >= model_->schedule.percent_to_sigma(timed->end_percent)) {
    changes.deep_shrink = timed->shrink;
  }
  return changes;
}

Result<std::shared_ptr<runtime::WeightStore>> GuidedDenoiser::weights_for(
    const Condition& condition, double sigma) {
  if (condition.hooks == nullptr) return model_->weights;
  std::vector<double> strengths;
  for (const Hook& hook : condition.hooks->all)
    strengths.push_back(hook.model_strength * hook.factor_at(sigma, model_->schedule));
  auto& weights = hooked_[{condition.hooks.get(), strengths}];
  if (weights == nullptr) {
    OBSCURA_ASSIGN(auto model, hooked(model_, *condition.hooks, strengths));
    weights = model->weights;
  }
  return weights;
}

Result<std::vector<Tensor>> GuidedDenoiser::run(const Question& question,
                                                const std::vector<const Prepared*>& conditions,
                                                std::vector<Tensor> latents) {
  const diffusion::Area& area = conditions[0]->area;
  auto batch = static_cast<std::int64_t>(conditions.size());
  std::int64_t tokens = conditions[0]->condition->states.shape()[1];
  models::UNetCall shape{.batch = batch,
                         .height = area.height,
                         .width = area.width,
                         .tokens = tokens,
                         .changes = question.changes};
  std::string key = fmt::format("unet {}x{}x{} {} tokens{}", batch, area.height, area.width, tokens,
                                question.changes.key());
  OBSCURA_ASSIGN(auto weights, weights_for(*conditions[0]->condition, question.sigma));
  OBSCURA_ASSIGN(runtime::Program * program, session_.program(key, weights, [&] {
    return models::build_unet(*weights, model_->config, shape);
  }));

  std::vector<Tensor> states, labels;
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const Prepared& prepared = *conditions[i];
    if (const Tensor& concat = prepared.concat; !concat.empty()) {
      Tensor beside = concat.slice(question.image % concat.shape()[0]);
      latents[i] = join_channels(latents[i], diffusion::cut_out(beside, prepared.area));
    }
    states.push_back(prepared.condition->states);
    labels.push_back(prepared.label);
  }
  auto timestep = static_cast<float>(model_->schedule.timestep(question.sigma));
  std::vector<NamedInput> inputs = {{"x", image_of_planes(concatenate(latents))},
                                    {"timestep", Tensor::filled({batch}, timestep)}};
  if (model_->dimensions.context_width > 0) inputs.push_back({"context", concatenate(states)});
  if (model_->dimensions.label_width > 0) inputs.push_back({"y", concatenate(labels)});
  std::vector<std::string> names = {"eps"};
  for (const std::string& name : question.changes.shown()) names.push_back(name);
  OBSCURA_ASSIGN(auto outputs,
                 run_network(session_, *program, inputs,
                             std::vector<std::string_view>(names.begin(), names.end()), cancel_));
  outputs[0] = planes_of_image(outputs[0]);
  return outputs;
}

Result<std::vector<NetworkAnswer>> GuidedDenoiser::call(
    const Question& question, const std::vector<const Prepared*>& conditions) {
  std::vector<Tensor> noisy, seen;
  const double scale = model_->schedule.input_scale(question.sigma);
  for (const Prepared* prepared : conditions) {
    noisy.push_back(diffusion::cut_out(question.x, prepared->area));
    seen.push_back(diffusion::weighted_sum({{scale, noisy.back()}}));
  }
  const std::vector<const void*> keys(conditions.begin(), conditions.end());
  std::vector<Tensor> outputs;
  if (auto foretold = question.reuse ? question.reuse->foretold(keys, seen) : std::nullopt) {
    outputs.push_back(concatenate(*foretold));
  } else {
    OBSCURA_ASSIGN(outputs, run(question, conditions, seen));
    if (question.reuse != nullptr) question.reuse->computed(keys, seen, outputs[0]);
  }
  Tensor x0 = model_->schedule.denoised(concatenate(noisy), outputs[0], question.sigma);
  std::vector<NetworkAnswer> answers;
  for (std::int64_t i = 0; i < x0.shape()[0]; ++i) {
    NetworkAnswer& one = answers.emplace_back(NetworkAnswer{x0.slice(i), {}});
    for (std::size_t k = 1; k < outputs.size(); ++k) one.shown.push_back(outputs[k].slice(i));
  }
  return answers;
}

// What the conditions of each side that are no defaults leave of a weight of 1, (1, 1, h, w).
std::vector<Tensor> GuidedDenoiser::leftovers(const Shape& latent, const std::vector<Job>& jobs,
                                              std::size_t sides) {
  std::vector<Tensor> left;
  for (std::size_t side = 0; side < sides; ++side)
    left.push_back(Tensor::filled({1, 1, latent[2], latent[3]}, 1));
  for (const Job& job : jobs) {
    if (job.prepared->condition->is_default) continue;
    const diffusion::Area& area = job.prepared->area;
    for (std::int64_t i = 0; i < area.height * area.width; ++i) {
      std::int64_t y = area.y + i / area.width, x = area.x + i % area.width;
      float& value = left[job.side].data()[y * latent[3] + x];
      value = std::max(0.0f, value - job.prepared->weights.data()[i]);
    }
  }
  return left;
}

diffusion::ConditionReuse* GuidedDenoiser::reuse_of(std::int64_t image, double sigma,
                                                    const models::UNetChanges& changes) {
  const std::optional<StepReuse>& patch = model_->patches.reuse;
  if (!patch || patch->of != StepReuse::Of::kNetwork) return nullptr;
  auto& reuse = reuse_.try_emplace(image, patch->options(model_->schedule)).first->second;
  reuse.begin_step(sigma);
  // What the network shows of itself cannot be foretold.
  return changes.shown().empty() ? &reuse : nullptr;
}

std::vector<diffusion::ReuseCount> GuidedDenoiser::left_out() const {
  std::vector<diffusion::ReuseCount> counts;
  for (const auto& [image, reuse] : reuse_) counts.push_back(reuse.count());
  return counts;
}

Result<std::vector<NetworkAnswer>> GuidedDenoiser::predict(const Question& question,
                                                           const std::vector<const Side*>& sides) {
  std::vector<NetworkAnswer> answers(sides.size());
  std::vector<std::vector<diffusion::RegionPrediction>> parts(sides.size());
  std::vector<Job> jobs;
  for (std::size_t side = 0; side < sides.size(); ++side)
    for (const Prepared& prepared : *sides[side])
      if (prepared.region.active_at(question.sigma)) jobs.push_back({&prepared, side});

  // Two at a time where sizes allow: the weights are then read once for both.
  auto alike = [](const Job& a, const Job& b) {
    return a.prepared->area.height == b.prepared->area.height &&
           a.prepared->area.width == b.prepared->area.width &&
           a.prepared->condition->states.shape() == b.prepared->condition->states.shape() &&
           a.prepared->condition->hooks == b.prepared->condition->hooks;
  };
  const std::vector<Tensor> leftover = leftovers(question.x.shape(), jobs, sides.size());
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
    OBSCURA_ASSIGN(auto predictions, call(question, conditions));
    for (std::size_t i = 0; i < pair.size(); ++i) {
      answers[pair[i].side].shown = std::move(predictions[i].shown);
      const Prepared& prepared = *pair[i].prepared;
      const bool is_default = prepared.condition->is_default;
      parts[pair[i].side].push_back({predictions[i].x0, prepared.area,
                                     is_default
                                         ? diffusion::cut_out(leftover[pair[i].side], prepared.area)
                                               .reshaped(prepared.weights.shape())
                                         : prepared.weights});
    }
  }
  for (std::size_t side = 0; side < sides.size(); ++side)
    answers[side].x0 = diffusion::weighted_mean(question.x.shape(), parts[side]);
  return answers;
}

Result<NetworkAnswer> GuidedDenoiser::answer(const NetworkQuestion& question,
                                             const GuidanceStep& step) {
  const Side* side = &cond_;
  if (question.conditioning == &guidance_.negative && !uncond_.empty()) {
    side = &uncond_;
  } else if (question.conditioning != nullptr && question.conditioning != &guidance_.positive) {
    auto found = asked_.find(question.conditioning);
    if (found == asked_.end()) {
      OBSCURA_ASSIGN(Side prepared, prepare(*question.conditioning, prepared_for_, false));
      found = asked_.emplace(question.conditioning, std::move(prepared)).first;
    }
    side = &found->second;
  }
  const Tensor& x = question.x == nullptr ? step.x : *question.x;
  std::vector<Tensor> images;
  NetworkAnswer result;
  for (std::int64_t b = 0; b < x.shape()[0]; ++b) {
    const Tensor image = x.slice(b);
    OBSCURA_ASSIGN(auto answers, predict({image, b, step.sigma, question.changes}, {side}));
    images.push_back(answers[0].x0);
    add_images(result.shown, std::move(answers[0].shown));
  }
  result.x0 = concatenate(images);
  return result;
}

Result<diffusion::Denoised> GuidedDenoiser::operator()(const Tensor& x, float sigma) {
  OBSCURA_TRY(prepare(x.shape()));
  const models::UNetChanges changes = changes_at(sigma);
  std::vector<std::vector<Tensor>> found(3);
  std::vector<Tensor> uncond_shown;
  for (std::int64_t b = 0; b < x.shape()[0]; ++b) {
    const Tensor image = x.slice(b);
    OBSCURA_ASSIGN(auto answers, predict({image, b, sigma, changes, reuse_of(b, sigma, changes)},
                                         {&cond_, &uncond_, &third_}));
    if (uncond_.empty()) answers[1] = answers[third_.empty() ? 0 : 2];
    for (std::size_t side = 0; side < found.size(); ++side)
      found[side].push_back(std::move(answers[side].x0));
    add_images(uncond_shown, std::move(answers[1].shown));
  }
  GuidanceStep step{.x = x,
                    .sigma = sigma,
                    .cfg = guidance_.cfg,
                    .schedule = model_->schedule,
                    .positive = guidance_.positive,
                    .negative = guidance_.negative,
                    .changes = changes,
                    .cond = concatenate(found[0]),
                    .uncond = concatenate(found[1]),
                    .has_uncond = !uncond_.empty(),
                    .uncond_shown = std::move(uncond_shown),
                    .ask = {}};
  step.ask = [&](const NetworkQuestion& question) { return answer(question, step); };
  OBSCURA_ASSIGN(Tensor x0, guided(step, guidance_, concatenate(found[2]), functions_));
  return diffusion::Denoised{std::move(x0), std::move(step.uncond)};
}

}  // namespace obscura::pipeline
