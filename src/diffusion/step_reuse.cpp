#include "diffusion/step_reuse.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "diffusion/latent_math.h"

namespace obscura::diffusion {
namespace {

// Every eighth row and column of the planes (B, C, h, w).
Tensor thinned(const Tensor& planes) {
  constexpr std::int64_t kStride = 8;
  const Shape& s = planes.shape();
  const std::int64_t rows = (s[2] + kStride - 1) / kStride,
                     columns = (s[3] + kStride - 1) / kStride;
  Tensor result(Shape{s[0], s[1], rows, columns});
  for (std::int64_t i = 0; i < result.elements(); ++i) {
    const std::int64_t plane = i / (rows * columns), y = i / columns % rows, x = i % columns;
    result.data()[i] = planes.data()[(plane * s[2] + y * kStride) * s[3] + x * kStride];
  }
  return result;
}

double mean_size(const Tensor& a) {
  double sum = 0;
  for (float value : a.values()) sum += std::abs(static_cast<double>(value));
  return sum / static_cast<double>(a.elements());
}

double mean_difference(const Tensor& a, const Tensor& b) {
  OBSCURA_CHECK(a.shape() == b.shape(), "a latent changed its size within a run");
  double sum = 0;
  for (std::int64_t i = 0; i < a.elements(); ++i)
    sum += std::abs(static_cast<double>(a.data()[i]) - b.data()[i]);
  return sum / static_cast<double>(a.elements());
}

}  // namespace

bool ChangeEstimate::stays_small(const Tensor& input) {
  if (input_.empty()) return false;
  input_change_ = mean_difference(thinned(input), input_);
  if (!rate_) return false;
  sum_ += *rate_ * *input_change_ / output_size_;
  if (sum_ < threshold_) return true;
  sum_ = 0;
  return false;
}

void ChangeEstimate::computed(const Tensor& input, const Tensor& output) {
  Tensor seen = thinned(output);
  // Where the input is what it was there is no ratio to learn.
  if (input_change_.value_or(0) > 0) rate_ = mean_difference(seen, output_) / *input_change_;
  input_change_.reset();
  input_ = thinned(input);
  output_ = std::move(seen);
  output_size_ = mean_size(output);
}

void ConditionReuse::begin_step(double sigma) {
  sigma_ = sigma;
  leaves_out_ = false;
  ++count_.asked;
}

std::optional<std::size_t> ConditionReuse::leader_among(
    std::span<const void* const> conditions) const {
  const auto found = std::find(conditions.begin(), conditions.end(), leader_);
  if (found == conditions.end()) return std::nullopt;
  return static_cast<std::size_t>(found - conditions.begin());
}

std::optional<std::vector<Tensor>> ConditionReuse::foretold(std::span<const void* const> conditions,
                                                            std::span<const Tensor> inputs) {
  if (!options_.has_begun(sigma_) || options_.has_ended(sigma_)) return std::nullopt;
  // ComfyUI puts the negative condition in front of the positive one, and follows the first.
  if (leader_ == nullptr) leader_ = conditions.back();
  if (const auto leader = leader_among(conditions)) {
    leaves_out_ = estimate_.stays_small(inputs[*leader]);
    if (leaves_out_) count_.left_out.push_back(count_.asked - 1);
  }
  if (!leaves_out_) return std::nullopt;
  std::vector<Tensor> outputs;
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const auto added = added_.find(conditions[i]);
    if (added == added_.end()) return std::nullopt;  // it was not active before
    outputs.push_back(weighted_sum({{1, inputs[i]}, {1, added->second}}));
  }
  return outputs;
}

void ConditionReuse::computed(std::span<const void* const> conditions,
                              std::span<const Tensor> inputs, const Tensor& outputs) {
  if (options_.has_ended(sigma_)) return;
  const auto leader = leader_among(conditions);
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const Tensor output = outputs.slice(static_cast<std::int64_t>(i));
    added_.insert_or_assign(conditions[i], weighted_sum({{1, output}, {-1, inputs[i]}}));
    if (leader == i) estimate_.computed(inputs[i], output);
  }
}

void ConditionReuse::forget() {
  estimate_ = ChangeEstimate(options_.threshold);
  leader_ = nullptr;
  added_.clear();
}

Denoiser lazy_denoiser(Denoiser denoise, ReuseOptions options, ReuseCount& count) {
  struct Last {
    ChangeEstimate estimate;
    Tensor added, uncond_added;  // to x by the last call
  };
  const Last nothing{ChangeEstimate(options.threshold), {}, {}};
  return [=, &count, last = nothing](const Tensor& x, float sigma) mutable -> Result<Denoised> {
    const int call = count.asked++;
    if (options.has_ended(sigma)) return denoise(x, sigma);
    if (last.added.shape() != x.shape()) last = nothing;
    auto with = [&](const Tensor& added) {
      return added.empty() ? Tensor() : weighted_sum({{1, x}, {1, added}});
    };
    if (options.has_begun(sigma) && last.estimate.stays_small(x)) {
      count.left_out.push_back(call);
      return Denoised{with(last.added), with(last.uncond_added)};
    }
    OBSCURA_ASSIGN(Denoised result, denoise(x, sigma));
    auto added_by = [&](const Tensor& x0) {
      return x0.empty() ? Tensor() : weighted_sum({{1, x0}, {-1, x}});
    };
    last.added = added_by(result.x0);
    last.uncond_added = added_by(result.uncond_x0);
    last.estimate.computed(x, result.x0);
    return result;
  };
}

}  // namespace obscura::diffusion
