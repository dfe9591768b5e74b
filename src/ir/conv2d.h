// Two-dimensional convolution, channels last, with what a fused kernel can take in and add on the
// way:
//
//   x' = x * scale + shift per sample and channel, then SiLU           (a GroupNorm, see
//   ir/group_norm.h) x' = x' with each pixel doubled in both directions (nearest-neighbour
//   upsampling) y  = conv(pad(x'), weight) + bias + channel_add[sample, channel] + residual
//
// The padding is zero *after* normalisation. Kernel "conv2d".
#pragma once

#include <array>

#include "ir/graph.h"

namespace obscura::ir {

// Rows and columns of zeros around an image.
struct Padding {
  int top = 0, bottom = 0, left = 0, right = 0;
  static Padding same(int amount) { return {amount, amount, amount, amount}; }
  bool operator==(const Padding&) const = default;
};

class Conv2dOp final : public SingleResultOp {
 public:
  struct Options {
    int stride = 1;
    Padding padding;
    bool bias = false;
    bool normalised = false;       // has the operand scale_shift
    bool normalised_silu = false;  // SiLU after scale_shift
    bool upsample = false;
    bool channel_add = false;
    bool residual = false;
  };
  explicit Conv2dOp(Options options) : options(options) {}

  // Operands: x (N, H, W, in), weight (out, in, kh, kw), [bias (out)], [scale_shift (N, 2, in)],
  // [channel_add (N, out)], [residual (N, H', W', out)].
  std::string_view name() const override { return "conv2d"; }
  std::string text() const override;
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;

  // Index of an optional operand, or -1.
  int bias_operand() const { return options.bias ? 2 : -1; }
  int scale_shift_operand() const { return options.normalised ? 2 + options.bias : -1; }
  int channel_add_operand() const {
    return options.channel_add ? 2 + options.bias + options.normalised : -1;
  }
  int residual_operand() const {
    return options.residual ? 2 + options.bias + options.normalised + options.channel_add : -1;
  }

  const Options options;
};

// `bias` may be kNoValue.
ValueId conv2d(Builder& builder, ValueId x, ValueId weight, ValueId bias, int stride,
               Padding padding);

// Each pixel doubled in both directions. (N, H, W, C) -> (N, 2H, 2W, C). Kernel "upsample".
class UpsampleOp final : public SingleResultOp {
 public:
  std::string_view name() const override { return "upsample"; }
  std::string text() const override { return "upsample"; }
  Result<ValueType> infer(std::span<const ValueType> inputs) const override;
  void evaluate(std::span<const ConstArray> inputs, const Array& output) const override;
};

ValueId upsample(Builder& builder, ValueId x);

}  // namespace obscura::ir
