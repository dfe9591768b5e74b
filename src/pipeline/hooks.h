// Hooks (ComfyUI's): changes of weights that belong to a conditioning and not to the model. They
// count only in that conditioning's predictions, and may come and go while sampling.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "adapter/adapter_file.h"
#include "base/result.h"
#include "diffusion/noise_schedule.h"
#include "pipeline/model.h"
#include "runtime/weight_store.h"

namespace obscura::pipeline {

// From this part of the sampling on, hooks count times `strength`.
struct HookKeyframe {
  double strength = 1;
  double start_percent = 0;
};

struct Hook {
  // One of the two: a LoRA or a relative; or networks towards which weights move, 1 being all the
  // way. `text` may be null.
  std::shared_ptr<const adapter::AdapterFile> adapter;
  std::shared_ptr<const DiffusionModel> model;
  std::shared_ptr<const TextEncoders> text;
  double model_strength = 1, text_strength = 1;
  std::vector<HookKeyframe> keyframes;  // ascending; none: 1 all the time

  // What the last keyframe that has begun says; before all, what the first says.
  double factor_at(double percent) const;
  double factor_at(double sigma, const diffusion::NoiseSchedule& schedule) const;
};

// The socket HOOKS. Applied in this order.
struct Hooks {
  std::vector<Hook> all;
};

// Those of both; either may be null.
std::shared_ptr<const Hooks> combined(const std::shared_ptr<const Hooks>& first,
                                      const std::shared_ptr<const Hooks>& second);

// The model with each hook at the strength of the same place in `strengths`. Errors of
// with_adapter() and mixed().
Result<std::shared_ptr<const DiffusionModel>> hooked(std::shared_ptr<const DiffusionModel> model,
                                                     const Hooks& hooks,
                                                     const std::vector<double>& strengths);
// The encoders with the hooks as they are at this part of the sampling; none: at full strength.
Result<std::shared_ptr<const TextEncoders>> hooked(std::shared_ptr<const TextEncoders> text,
                                                   const Hooks& hooks,
                                                   std::optional<double> percent);

// A U-Net's weights with the hooks of conditions, each set of strengths made once. Not thread safe.
class HookedWeights {
 public:
  explicit HookedWeights(std::shared_ptr<const DiffusionModel> model) : model_(std::move(model)) {}

  // As they are at `sigma`; the model's own if `hooks` is null. Errors of hooked().
  Result<std::shared_ptr<runtime::WeightStore>> at(const std::shared_ptr<const Hooks>& hooks,
                                                   double sigma);

 private:
  using Key = std::pair<std::shared_ptr<const Hooks>, std::vector<double>>;  // and strengths

  std::shared_ptr<const DiffusionModel> model_;
  std::map<Key, std::shared_ptr<runtime::WeightStore>> made_;
};

// Where keyframes begin, with 0, ascending.
std::vector<double> keyframe_percents(const Hooks& hooks);

}  // namespace obscura::pipeline
