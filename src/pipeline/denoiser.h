// The U-Net with its conditions and guidance, as the function that samplers call.
#pragma once

#include <memory>
#include <vector>

#include "base/cancel.h"
#include "diffusion/regions.h"
#include "diffusion/sampler.h"
#include "pipeline/conditioning.h"
#include "pipeline/model.h"
#include "runtime/session.h"

namespace obscura::pipeline {

// Predicts the clean latent (scaled) of a batch of images that share their conditions. Each image
// is denoised in a call of its own, the two halves of a CFG pair together, so that an image's bits
// do not depend on the batch. Not thread safe.
class GuidedDenoiser {
 public:
  // `cfg` 1 leaves the negative conditions out, unless `needs_uncond`. Borrows `session`.
  GuidedDenoiser(runtime::Session& session, std::shared_ptr<const DiffusionModel> model,
                 Conditioning positive, Conditioning negative, double cfg, bool needs_uncond,
                 CancelToken cancel);

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
  };
  using Side = std::vector<Prepared>;  // the positive or the negative conditions

  Status prepare(const Shape& latent);
  Result<Side> prepare(const Conditioning& conditioning, const Shape& latent) const;
  Result<Tensor> label(const Condition& condition, const Shape& latent) const;
  // The weighted means of both sides' predictions for one image, (1, 4, h, w) each; the negative's
  // is empty without negative conditions.
  struct Prediction {
    Tensor cond, uncond;
  };
  Result<Prediction> predict(const Tensor& x, double sigma);
  // The network for one or two conditions whose areas and texts are of equal size.
  Result<std::vector<Tensor>> call(const Tensor& x, double sigma,
                                   const std::vector<const Prepared*>& conditions);

  runtime::Session& session_;
  std::shared_ptr<const DiffusionModel> model_;
  Conditioning positive_, negative_;
  double cfg_;
  bool needs_uncond_;
  CancelToken cancel_;
  Shape prepared_for_;
  Side cond_, uncond_;
};

}  // namespace obscura::pipeline
