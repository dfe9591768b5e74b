// The U-Net with its conditions and guidance, as the function that samplers call.
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "diffusion/regions.h"
#include "diffusion/sampler.h"
#include "diffusion/step_reuse.h"
#include "pipeline/concat.h"
#include "pipeline/conditioning.h"
#include "pipeline/guidance.h"
#include "pipeline/model.h"
#include "runtime/session.h"

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
  void show(SampledPicture picture) { sampled_ = std::move(picture); }

  // The schedule of the run, for conditions that count in some of its steps.
  void follow(std::vector<float> sigmas) { sigmas_ = std::move(sigmas); }

  // Which calls of the network the model's StepReuse left out so far, an entry an image; none if it
  // has no such thing.
  std::vector<diffusion::ReuseCount> left_out() const;

  // x (B, 4, h, w) at `sigma`.
  Result<diffusion::Denoised> operator()(const Tensor& x, float sigma);

 private:
  // A condition made ready for one latent size.
  struct Prepared {
    const Condition* condition;
    diffusion::Region region;
    diffusion::Area area;
    Tensor weights;  // (1, height, width) of the area
    Tensor label;    // (1, label_width)
    Tensor concat;   // (B, extra input channels, h, w); empty if the network takes no more
  };
  using Side = std::vector<Prepared>;  // the positive conditions, the negative, or others
  // What is asked of the network at a step, for one image of the batch.
  struct Question {
    const Tensor& x;  // (1, C, h, w)
    std::int64_t image;
    double sigma;
    const models::UNetChanges& changes;
    diffusion::ConditionReuse* reuse = nullptr;  // null: every call is made
  };
  // A part of a prediction that is still to be computed.
  struct Job {
    const Prepared* prepared;
    std::size_t side;
  };

  Status prepare(const Shape& latent);
  Result<Side> prepare(const Conditioning& conditioning, const Shape& latent, bool negative) const;
  Result<Tensor> label(const Condition& condition, const Shape& latent, bool negative) const;
  // Adds to `own` what every area of `others` needs to meet a prediction made on the same crop.
  static void add_counterparts(Side& own, const Side& others, const Shape& latent);
  void limit_to_steps(diffusion::Region& region, const Condition::Steps& steps) const;
  bool wants_negative() const;
  models::UNetChanges changes_at(double sigma) const;
  // The U-Net's, with the condition's hooks as they are at `sigma`.
  Result<std::shared_ptr<runtime::WeightStore>> weights_for(const Condition& condition,
                                                            double sigma);
  static std::vector<Tensor> leftovers(const Shape& latent, const std::vector<Job>& jobs,
                                       std::size_t sides);

  // The weighted mean of each side's predictions, (1, 4, h, w); zero for a side without an active
  // condition. What the changes show is that of the side's last condition.
  Result<std::vector<NetworkAnswer>> predict(const Question& question,
                                             const std::vector<const Side*>& sides);
  // The answers for one or two conditions whose areas and texts are of equal size.
  Result<std::vector<NetworkAnswer>> call(const Question& question,
                                          const std::vector<const Prepared*>& conditions);
  // The network's "eps" for them, (N, C, h, w), and what the changes show. `latents` are scaled as
  // the network wants them.
  Result<std::vector<Tensor>> run(const Question& question,
                                  const std::vector<const Prepared*>& conditions,
                                  std::vector<Tensor> latents);
  // The part of `reuse_` that is of an image; null where every call is made.
  diffusion::ConditionReuse* reuse_of(std::int64_t image, double sigma,
                                      const models::UNetChanges& changes);
  Result<NetworkAnswer> answer(const NetworkQuestion& question, const GuidanceStep& step);

  runtime::Session& session_;
  std::shared_ptr<const DiffusionModel> model_;
  Guidance guidance_;
  std::vector<GuidanceFunctions> functions_;
  bool needs_uncond_;
  CancelToken cancel_;
  SampledPicture sampled_;
  std::vector<float> sigmas_;
  Shape prepared_for_;
  Side cond_, uncond_, third_;
  std::map<const Conditioning*, Side> asked_;
  std::map<std::pair<const Hooks*, std::vector<double>>, std::shared_ptr<runtime::WeightStore>>
      hooked_;                                               // by the hooks' strengths
  std::map<std::int64_t, diffusion::ConditionReuse> reuse_;  // by the image
};

}  // namespace obscura::pipeline
