// FreeU's two operations on features (Si et al., arXiv:2309.11497). The CPU runs their plain
// definitions: they cost little beside the convolutions around them.
#pragma once

#include "ir/graph.h"

namespace obscura::ir {

// The lowest frequencies of each channel of an image (N, H, W, C) times `scale`: those of the 2x2
// middle of its shifted spectrum, which is what a threshold of 1 means in FreeU.
class LowFrequencyOp final : public SingleResultOp {
 public:
  explicit LowFrequencyOp(float scale) : scale(scale) {}
  std::string_view name() const override { return "low_frequency"; }
  std::string text() const override;
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;

  const float scale;
};

ValueId scale_low_frequencies(Builder& builder, ValueId x, float scale);

// The first half of the channels of an image (N, H, W, C) times `scale`; or, by version 2 of FreeU,
// times 1 + (scale - 1) * m, where m is the mean over all channels, brought to 0…1 over the image.
class StrengthenOp final : public SingleResultOp {
 public:
  StrengthenOp(float scale, bool by_mean) : scale(scale), by_mean(by_mean) {}
  std::string_view name() const override { return "strengthen"; }
  std::string text() const override;
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;

  const float scale;
  const bool by_mean;
};

ValueId strengthen(Builder& builder, ValueId x, float scale, bool by_mean);

}  // namespace obscura::ir
