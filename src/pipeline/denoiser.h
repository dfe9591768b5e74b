// The U-Net with its conditions and guidance, as the function that samplers call: joins where
// conditions count (placed_condition.h), the network's calls (network_call.h, pairing.h) and how
// their predictions combine (guidance.h).
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/result.h"
#include "diffusion/sampler.h"
#include "diffusion/step_reuse.h"
#include "pipeline/concat.h"
#include "pipeline/conditioning.h"
#include "pipeline/guidance.h"
#include "pipeline/model.h"
#include "pipeline/pairing.h"
#include "pipeline/patches.h"
#include "pipeline/placed_condition.h"
#include "runtime/session.h"
#include "tensor/tensor.h"

namespace obscura::pipeline {

// Predicts the clean latent (scaled) of a batch of images that share their conditions. Each image
// is denoised in a call of its own, the two halves of a CFG pair together, so that an image's bits
// do not depend on the batch. Not thread safe.
class GuidedDenoiser {
 public:
  // `guidance.cfg` 1 leaves the negative conditions out, unless `needs_uncond` or a patch of the
  // model wants them. Borrows `session`.
  GuidedDenoiser(runtime::Session& session, std::shared_ptr<const DiffusionModel> model,
                 Guidance guidance, bool needs_uncond, CancelToken cancel);

  // What inpainting models see besides, where a condition does not say.
  void show(SampledImage image) { run_.sampled = std::move(image); }

  // The schedule of the run, for conditions that count in some of its steps.
  void follow(std::vector<float> sigmas) { run_.sigmas = std::move(sigmas); }

  // As Predictor's.
  std::vector<diffusion::ReuseCount> left_out() const { return predict_.left_out(); }

  // x (B, C, h, w) at `sigma`.
  Result<diffusion::Denoised> operator()(const Tensor& x, float sigma);

 private:
  // The sides for latents of this size.
  Status prepare(const Shape& latent);
  Result<Side> place_here(const Conditioning& conditioning, bool negative) const;
  // Of a conditioning that guidance asks about.
  Result<const Side*> side_of(const Conditioning* conditioning);
  // Sets cond, uncond and what the changes show; returns the third side's prediction.
  Result<Tensor> predict_sides(GuidanceStep& step);
  Result<NetworkAnswer> answer(const NetworkQuestion& question, const GuidanceStep& step);

  std::shared_ptr<const DiffusionModel> model_;
  Guidance guidance_;
  std::vector<GuidanceFunctions> functions_;
  bool asks_negative_;
  Predictor predict_;
  RunSurroundings run_;
  Shape prepared_for_;
  Side cond_, uncond_, third_;
  std::map<const Conditioning*, Side> asked_;
};

}  // namespace obscura::pipeline
