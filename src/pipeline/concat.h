// The channels that inpainting and editing models take beside the latent.
#pragma once

#include <optional>

#include "pipeline/conditioning.h"
#include "pipeline/model.h"
#include "tensor/tensor.h"

namespace obscura::pipeline {

// The image that is sampled, for conditions without one of their own.
struct SampledImage {
  Tensor latent;               // (B, C, h, w), scaled
  std::optional<Tensor> mask;  // (masks, H, W), of any size; none: all of it may change
};

// (B, extra channels, h, w) for latents of shape (…, C, h, w), as ComfyUI makes them: for an
// inpainting model the rounded mask, then the masked image's latent, scaled; for an editing model
// the image's latent as it is. Empty if the model takes nothing besides.
Tensor concat_channels(const DiffusionModel& model, const Condition& condition, const Shape& latent,
                       const SampledImage& sampled);

// b behind a along the channels. Both (1, …, h, w).
Tensor join_channels(const Tensor& a, const Tensor& b);

}  // namespace obscura::pipeline
