// What nodes change about a model besides its weights: how predictions are combined into guidance,
// and how the U-Net is built.
//
// A DiffusionModel carries its patches; a sampling run makes the guidance functions anew, so that
// those with a memory (momentum) start empty, and cached models may be shared.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/result.h"
#include "diffusion/noise_schedule.h"
#include "diffusion/step_reuse.h"
#include "models/unet/unet_changes.h"
#include "pipeline/conditioning.h"
#include "tensor/tensor.h"

namespace obscura::pipeline {

// A further question to the network at the same step.
struct NetworkQuestion {
  const Conditioning* conditioning = nullptr;  // null: the positive one
  const Tensor* x = nullptr;                   // null: that of the step
  models::UNetChanges changes;                 // in place of the model's own
};
// The x0 that answers it, and whatever the changes asked the network to show.
struct NetworkAnswer {
  Tensor x0;
  std::vector<Tensor> shown;  // by the order of UNetChanges::shown(), one entry an image
};

// A step at which predictions are combined. Latents are (B, C, h, w), scaled.
struct GuidanceStep {
  const Tensor& x;
  double sigma;
  double cfg;
  const diffusion::NoiseSchedule& schedule;
  const Conditioning& positive;
  const Conditioning& negative;
  const models::UNetChanges& changes;  // of the model
  Tensor cond, uncond;                 // predictions of x0
  bool has_uncond = true;              // false: the negative was not asked, `uncond` equals `cond`
  // What `changes` asked the network to show of the negative, by the order of UNetChanges::shown(),
  // one entry an image; empty where nothing was asked.
  std::vector<Tensor> uncond_shown;
  std::function<Result<NetworkAnswer>(const NetworkQuestion&)> ask;
};

// Any of them may be empty. Images of a batch must not see one another.
struct GuidanceFunctions {
  // Changes `cond` and `uncond` before they are combined.
  std::function<Status(GuidanceStep&)> before;
  // Combines them in place of classifier-free guidance. The last patch that has one is used.
  std::function<Result<Tensor>(const GuidanceStep&)> combine;
  // Changes what came of it.
  std::function<Result<Tensor>(const GuidanceStep&, Tensor guided)> after;
  // The negative is asked even where cfg is 1.
  bool needs_uncond = false;
};
using GuidancePatch = std::function<GuidanceFunctions()>;

// The features are shrunk during a part of the sampling.
struct TimedShrink {
  models::DeepShrink shrink;
  double start_percent = 0, end_percent = 1;
};

// Steps whose result can be foretold are left out: ComfyUI's EasyCache and LazyCache.
struct StepReuse {
  // Foretold is what the network gives, for each image and condition; or what the guided denoiser
  // gives, for the whole batch.
  enum class Of { kNetwork, kDenoiser };
  Of of = Of::kNetwork;
  double threshold = 0.2;
  double start_percent = 0.15, end_percent = 0.95;
  bool verbose = false;  // say which

  diffusion::ReuseOptions options(const diffusion::NoiseSchedule& schedule) const {
    return {threshold, schedule.percent_to_sigma(start_percent),
            schedule.percent_to_sigma(end_percent)};
  }
};

struct ModelPatches {
  std::vector<GuidancePatch> guidance;  // in the order in which they were put on
  models::UNetChanges unet;
  std::optional<TimedShrink> shrink;  // beside `unet`
  // Inpainting by a mask that grows from step to step (Levin and Fried, arXiv:2306.00950), blended
  // by this much with the mask as it is.
  std::optional<double> differential;
  std::optional<StepReuse> reuse;

  // How the network is built at this sigma.
  models::UNetChanges unet_at(double sigma, const diffusion::NoiseSchedule& schedule) const;
};

}  // namespace obscura::pipeline
