// Sigma schedules: the sigmas that a sampler visits, from the first to the last, usually
// ending at 0.
//
// n steps make n + 1 sigmas. The names and rules are ComfyUI 0.3.64's, so that its workflows render
// the same.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "diffusion/noise_schedule.h"

namespace obscura::diffusion {

struct SigmaSchedule {
  std::string_view name;
  // REQUIRES: steps >= 1. ddim_uniform and beta may give another number of steps than asked.
  std::vector<float> (*sigmas)(const NoiseSchedule& model, int steps);
};

// In ComfyUI's order.
std::span<const SigmaSchedule> sigma_schedules();

// The named schedule; kInvalidInput if there is none of that name or steps is outside 1…10000.
Result<std::vector<float>> make_sigmas(std::string_view name, const NoiseSchedule& model,
                                       int steps);

// What KSampler makes of its widgets.
struct SigmaRequest {
  std::string scheduler = "normal";
  int steps = 20;
  // Part of the way that is sampled: below 1 the schedule is that of int(steps / denoise) steps and
  // its last `steps` are kept; 0 or less gives no sigmas, which means "leave the latent as it is".
  double denoise = 1;
  // dpm_2, dpm_2_ancestral, uni_pc and uni_pc_bh2: one step more, with the last sigma but one left
  // out.
  bool discard_penultimate = false;
};
Result<std::vector<float>> make_sigmas(const SigmaRequest& request, const NoiseSchedule& model);

// KSamplerAdvanced: the steps from `start` up to `end` of a whole schedule. If they stop before its
// end and `force_full_denoise`, the last goes to 0. Empty if there is nothing left to do. REQUIRES:
// start, end >= 0.
std::vector<float> cut_steps(std::vector<float> sigmas, int start, int end,
                             bool force_full_denoise);

}  // namespace obscura::diffusion
