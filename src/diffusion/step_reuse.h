// Leaving out calls of a network whose result can be foretold from those before: EasyCache (Zhou et
// al., arXiv:2507.02860), with the details that ComfyUI's nodes EasyCache and LazyCache gave it.
//
// What a network adds to its input changes little from step to step. While the estimate is that its
// output has changed less than a threshold, the last computed difference is added to the new input
// in place of a call.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "diffusion/sampler.h"
#include "tensor/tensor.h"

namespace obscura::diffusion {

struct ReuseOptions {
  double threshold = 0.2;  // of the output's change, as a part of its size; 0: nothing is left out
  // Only sigmas with end_sigma < sigma <= start_sigma.
  double start_sigma = 0, end_sigma = 0;

  bool has_begun(double sigma) const { return sigma <= start_sigma; }
  bool has_ended(double sigma) const { return sigma <= end_sigma; }
};

// How many calls a run asked for, and which it left out, counted from 0.
struct ReuseCount {
  int asked = 0;
  std::vector<int> left_out;
};

// The estimate. The output's change is the input's, times the ratio of the two at the last call
// that was asked about; both are means of absolute differences, over every eighth row and column.
class ChangeEstimate {
 public:
  explicit ChangeEstimate(double threshold) : threshold_(threshold) {}

  // Whether the change since the last computed() stays below the threshold. Estimates add up from
  // one call to the next until one reaches it. Latents are (B, C, h, w).
  bool stays_small(const Tensor& input);
  // The function was called.
  void computed(const Tensor& input, const Tensor& output);

 private:
  double threshold_;
  double sum_ = 0;
  std::optional<double> rate_;          // of the output's change to the input's
  std::optional<double> input_change_;  // of stays_small(), until computed()
  Tensor input_, output_;               // every eighth row and column; empty at first
  double output_size_ = 0;
};

// The calls of a network for several conditions, for one image. The first condition that it meets
// leads: where its output is foretold, so are the others' at that step.
class ConditionReuse {
 public:
  explicit ConditionReuse(ReuseOptions options) : options_(options), estimate_(options.threshold) {}

  // Before the calls of each step.
  void begin_step(double sigma);
  // The outputs of a call for these conditions, (1, C, h, w) each; nothing if it must be made. A
  // condition is known by its address.
  std::optional<std::vector<Tensor>> foretold(std::span<const void* const> conditions,
                                              std::span<const Tensor> inputs);
  // The call was made; `outputs` has a slice for each condition.
  void computed(std::span<const void* const> conditions, std::span<const Tensor> inputs,
                const Tensor& outputs);
  // All but the count: the conditions are others from now on.
  void forget();
  const ReuseCount& count() const { return count_; }

 private:
  // Where the leader is among them; none if it is not.
  std::optional<std::size_t> leader_among(std::span<const void* const> conditions) const;

  ReuseOptions options_;
  ChangeEstimate estimate_;
  ReuseCount count_;
  double sigma_ = 0;
  bool leaves_out_ = false;  // at this step
  const void* leader_ = nullptr;
  std::map<const void*, Tensor> added_;  // to a condition's input by its last call
};

// LazyCache: the whole denoiser, guidance included, as the function whose calls are left out. All
// images of a batch are left out together. Borrows `count`, which it writes.
Denoiser lazy_denoiser(Denoiser denoise, ReuseOptions options, ReuseCount& count);

}  // namespace obscura::diffusion
