// Samplers: how to walk from noise to an image along a sigma schedule, asking a denoiser at each
// step.
//
// The registry has ComfyUI's names, order and defaults; results equal its samplers' up to float32
// rounding. Everything runs on the host: a latent is small, and results then do not depend on the
// device. Scalars are double, latents float32.
#pragma once

#include <functional>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/cancel.h"
#include "base/result.h"
#include "diffusion/noise.h"
#include "diffusion/noise_schedule.h"
#include "tensor/tensor.h"

namespace obscura::diffusion {

struct Denoised {
  Tensor x0;         // the predicted clean latent, after guidance
  Tensor uncond_x0;  // without guidance; only read by samplers with needs_uncond, may be empty for
                     // the others
};

// Predicts the clean latent at x and sigma: the network with its guidance. An error ends the run
// and is returned from it.
using Denoiser = std::function<Result<Denoised>(const Tensor& x, float sigma)>;

// Called once a step, when x0 is known there; x is the state the step starts from. `step` counts
// from 0. An error ends the run.
using StepCallback =
    std::function<Status(int step, int steps, float sigma, const Tensor& x, const Tensor& x0)>;

using OptionValue = std::variant<double, std::string>;  // yes and no are 1 and 0
using SamplerOptions = std::map<std::string, OptionValue, std::less<>>;

// A parameter of a sampler beyond the schedule: a number within bounds, or one of some words.
struct SamplerOption {
  std::string_view name;
  OptionValue default_value;
  double lowest = 0;
  double highest = std::numeric_limits<double>::infinity();
  std::vector<std::string_view> choices;
};

struct SamplerRun {
  Denoiser denoise;
  NoiseSchedule model;
  // Descending; the first belongs to the x that sampling starts from. Samplers that are not
  // stochastic also take ascending ones, back to noise.
  std::vector<float> sigmas;
  NoiseSource* noise = nullptr;  // borrowed; may be null for a sampler whose `noise` is kNone
  StepCallback on_step;          // may be empty
  CancelToken cancel;
  SamplerOptions options;  // by name; what is left out has its default
};

// Where a sampler's noise comes from in ComfyUI. kNone: it never draws any.
enum class NoiseKind { kNone, kGaussian, kBrownian };

class Solver;

struct Sampler {
  std::string_view name;
  Result<Tensor> (*solve)(Solver& run, Tensor x);
  std::vector<SamplerOption> options;
  NoiseKind noise = NoiseKind::kNone;
  // Draws noise with the options at their defaults: two renders with one start and different step
  // noise differ.
  bool stochastic = false;
  bool needs_uncond = false;
  // KSampler gives it a schedule of one more step without the last sigma but one.
  bool discard_penultimate = false;
  // When inpainting, the kept area gets noise of its own, seeded with the sampling seed + 1, in
  // place of the start noise.
  bool fresh_mask_noise = false;
  // The latent that comes out may be of another size.
  bool resizes = false;
};

// In ComfyUI's order. The *_gpu names draw on the CPU like their namesakes, so that an image does
// not depend on the device.
std::span<const Sampler> samplers();
// Also finds "euler_pp" and "lcm_upscale", which ComfyUI offers by nodes alone. kInvalidInput if
// there is none of that name.
Result<const Sampler*> find_sampler(std::string_view name);

// Runs a sampler from `x`, the state at sigmas[0], and returns the state at the last sigma. A
// schedule of fewer than two sigmas returns x. Errors: kInvalidInput (unknown or unfit option,
// sigmas that do not descend), kNumeric (the denoiser returned a NaN or an infinity), kCancelled
// (within one call of the denoiser), and what the callbacks return.
Result<Tensor> sample(const Sampler& sampler, const SamplerRun& run, Tensor x);

}  // namespace obscura::diffusion
