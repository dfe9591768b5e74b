// Group normalisation (arXiv:1803.08494), channels last, and its two halves.
//
//   mean, variance over (H, W, C / groups) of each sample and group; y = (x - mean) / sqrt(variance
//   + eps) * gamma + beta
//
// Its statistics need the whole image, the rest is elementwise. Split into group_stats and a
// conv2d's scale_shift, the normalised image never exists in memory, and an image can be normalised
// strip by strip with exact statistics.
#pragma once

#include "ir/graph.h"

namespace obscura::ir {

// Kernel "group_norm". Operands: x (N, H, W, C), gamma (C), beta (C).
class GroupNormOp final : public SingleResultOp {
 public:
  struct Options {
    int groups = 32;
    float eps = 1e-5f;
    bool silu = false;
  };
  explicit GroupNormOp(Options options) : options(options) {}

  std::string_view name() const override { return "group_norm"; }
  std::string text() const override;
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;

  const Options options;
};

ValueId group_norm(Builder& builder, ValueId x, ValueId gamma, ValueId beta,
                   GroupNormOp::Options options);

// scale = gamma / sqrt(variance + eps), shift = beta - mean * scale. Kernel "group_stats".
// Operands as GroupNormOp; result (N, 2, C): scales, then shifts.
class GroupStatsOp final : public SingleResultOp {
 public:
  GroupStatsOp(int groups, float eps) : groups(groups), eps(eps) {}

  std::string_view name() const override { return "group_stats"; }
  std::string text() const override;
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;

  const int groups;
  const float eps;
};

// Mean and variance of each channel over an image: x (N, H, W, C) -> (N, 2, C). Statistics of a
// part of an image, which combine exactly with those of the other parts. Kernel "channel_moments".
class ChannelMomentsOp final : public SingleResultOp {
 public:
  std::string_view name() const override { return "channel_moments"; }
  std::string text() const override { return "channel_moments"; }
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;
};

ValueId channel_moments(Builder& builder, ValueId x);

// The scales and shifts of group_stats from each channel's mean and variance: `channels` of each,
// and 2 * channels results.
void group_scale_shift(std::span<const double> means, std::span<const double> variances, int groups,
                       float eps, const float* gamma, const float* beta, float* scale_shift);

}  // namespace obscura::ir
