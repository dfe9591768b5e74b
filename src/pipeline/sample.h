// Sampling: a model, its conditions and a schedule, from a latent to a latent. What KSampler and
// its relatives call.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "diffusion/noise.h"
#include "diffusion/sampler.h"
#include "diffusion/step_reuse.h"
#include "pipeline/guidance.h"
#include "pipeline/model.h"
#include "runtime/session.h"

namespace obscura::pipeline {

// The socket LATENT.
struct Latent {
  Tensor samples;  // (B, 4, h, w), unscaled: as the VAE's encoder returns it
  std::optional<Tensor>
      noise_mask;  // (1 or B, H, W), of any size; 1 where sampling may change the image
  std::vector<std::int64_t>
      batch_index;  // places in an earlier batch, for ComfyUI's noise; empty: 0, 1, 2, …
  std::vector<std::uint64_t> seeds;  // one an image, in place of the sampler's seed; empty: none

  std::size_t value_bytes() const {
    return sizeof(*this) + static_cast<std::size_t>(samples.elements() +
                                                    (noise_mask ? noise_mask->elements() : 0)) *
                               4;
  }
};

struct SampleStep {
  int step = 0, steps = 0;  // from 0; a step is reported when it is done
  float sigma = 0;
  const Tensor* x0 = nullptr;  // the image as predicted so far, unscaled like Latent::samples
};

struct SampleRequest {
  std::shared_ptr<const DiffusionModel> model;
  Guidance guidance;
  std::string sampler = "euler";
  diffusion::SamplerOptions sampler_options;
  std::vector<float> sigmas;  // descending; fewer than two leave the latent as it is
  std::uint64_t seed = 0;
  bool add_noise = true;
  // In place of `seed` and of the latent's own seeds.
  std::optional<diffusion::VariedNoise> varied_noise;
  Latent latent;
  CancelToken cancel;
  std::function<Status(const SampleStep&)> on_step;  // may be empty
};

struct Sampled {
  Latent latent;
  Tensor x0;  // the last prediction of the clean latent, unscaled
  // What StepReuse left out: an entry an image, or one for the batch; none without it.
  std::vector<diffusion::ReuseCount> reuse;
};

// The noise an image starts with depends on the seed (or its own seed) and the latent's shape, and
// its bits on nothing that happens beside it. Errors: kInvalidInput naming what is wrong; kNumeric;
// kCancelled within one model call.
Result<Sampled> sample(runtime::Session& session, const SampleRequest& request);

// The latent with the request's noise at `sigma`; neither guidance nor sampler matter. Errors as
// sample().
Result<Latent> add_noise(const SampleRequest& request, double sigma);

}  // namespace obscura::pipeline
