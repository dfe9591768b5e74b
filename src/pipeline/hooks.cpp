#include "pipeline/hooks.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/adapted.h"
#include "pipeline/merged.h"

namespace obscura::pipeline {
namespace {

// By how much of `has_begun` the keyframes say.
template <class HasBegun>
double factor_of(const std::vector<HookKeyframe>& keyframes, const HasBegun& has_begun) {
  if (keyframes.empty()) return 1;
  double factor = keyframes.front().strength;
  for (const HookKeyframe& keyframe : keyframes)
    if (has_begun(keyframe)) factor = keyframe.strength;
  return factor;
}

MixWeights towards(double strength) {
  return {.first = 1 - strength, .second = strength};
}

}  // namespace

double Hook::factor_at(double percent) const {
  return factor_of(keyframes, [&](const HookKeyframe& k) { return k.start_percent <= percent; });
}

double Hook::factor_at(double sigma, const diffusion::NoiseSchedule& schedule) const {
  return factor_of(keyframes, [&](const HookKeyframe& k) {
    return schedule.percent_to_sigma(k.start_percent) >= sigma;
  });
}

std::shared_ptr<const Hooks> combined(const std::shared_ptr<const Hooks>& first,
                                      const std::shared_ptr<const Hooks>& second) {
  if (first == nullptr) return second;
  if (second == nullptr) return first;
  auto both = std::make_shared<Hooks>(*first);
  both->all.insert(both->all.end(), second->all.begin(), second->all.end());
  return both;
}

Result<std::shared_ptr<const DiffusionModel>> hooked(std::shared_ptr<const DiffusionModel> model,
                                                     const Hooks& hooks,
                                                     const std::vector<double>& strengths) {
  for (std::size_t i = 0; i < hooks.all.size(); ++i) {
    const Hook& hook = hooks.all[i];
    const double strength = strengths[i];
    if (strength == 0) continue;
    if (hook.adapter != nullptr) {
      OBSCURA_ASSIGN(Adapted adapted, with_adapter(std::move(model), nullptr, hook.adapter,
                                                   {.unet = strength, .text = 0, .blocks = {}}));
      model = std::move(adapted.model);
    } else {
      OBSCURA_ASSIGN(model,
                     mixed(
                         model, hook.model, [=](std::string_view) { return towards(strength); },
                         fmt::format("a hook of {}", strength)));
    }
  }
  return model;
}

Result<std::shared_ptr<runtime::WeightStore>> HookedWeights::at(
    const std::shared_ptr<const Hooks>& hooks, double sigma) {
  if (hooks == nullptr) return model_->weights;
  std::vector<double> strengths;
  for (const Hook& hook : hooks->all)
    strengths.push_back(hook.model_strength * hook.factor_at(sigma, model_->schedule));
  auto& weights = made_[{hooks, strengths}];
  if (weights == nullptr) {
    OBSCURA_ASSIGN(auto model, hooked(model_, *hooks, strengths));
    weights = model->weights;
  }
  return weights;
}

Result<std::shared_ptr<const TextEncoders>> hooked(std::shared_ptr<const TextEncoders> text,
                                                   const Hooks& hooks,
                                                   std::optional<double> percent) {
  for (const Hook& hook : hooks.all) {
    const double strength = hook.text_strength * (percent ? hook.factor_at(*percent) : 1);
    if (strength == 0) continue;
    if (hook.adapter != nullptr) {
      OBSCURA_ASSIGN(Adapted adapted, with_adapter(nullptr, std::move(text), hook.adapter,
                                                   {.unet = 0, .text = strength, .blocks = {}}));
      text = std::move(adapted.text);
    } else if (hook.text != nullptr) {
      OBSCURA_ASSIGN(text, mixed(text, hook.text, towards(strength)));
    }
  }
  return text;
}

std::vector<double> keyframe_percents(const Hooks& hooks) {
  std::vector<double> percents = {0};
  for (const Hook& hook : hooks.all)
    for (const HookKeyframe& keyframe : hook.keyframes) percents.push_back(keyframe.start_percent);
  std::sort(percents.begin(), percents.end());
  percents.erase(std::unique(percents.begin(), percents.end()), percents.end());
  return percents;
}

}  // namespace obscura::pipeline
