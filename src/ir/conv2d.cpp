#include "ir/conv2d.h"

#include <fmt/format.h>

#include "ir/activation.h"

namespace obscura::ir {

std::string Conv2dOp::text() const {
  return fmt::format(
      "conv2d stride={} pad={},{},{},{} bias={:d} normalised={:d} silu={:d} upsample={:d} "
      "channel_add={:d} residual={:d}",
      options.stride, options.padding.top, options.padding.bottom, options.padding.left,
      options.padding.right, options.bias, options.normalised, options.normalised_silu,
      options.upsample, options.channel_add, options.residual);
}

Result<ValueType> Conv2dOp::infer(std::span<const ValueType> inputs) const {
  const ValueType& x = inputs[0];
  const ValueType& weight = inputs[1];
  if (x.shape.rank() != 4) return operand_error(*this, 0, "(N, H, W, C)", x);
  if (weight.shape.rank() != 4) return operand_error(*this, 1, "(out, in, kh, kw)", weight);
  if (weight.shape[1] != x.shape[3]) {
    return operand_error(*this, 1, std::to_string(x.shape[3]) + " input channels", weight);
  }
  int scale = options.upsample ? 2 : 1;
  std::int64_t height =
      x.shape[1] * scale + options.padding.top + options.padding.bottom - weight.shape[2];
  std::int64_t width =
      x.shape[2] * scale + options.padding.left + options.padding.right - weight.shape[3];
  if (height < 0 || width < 0)
    return operand_error(*this, 0, "an image at least as large as the kernel", x);
  std::int64_t samples = x.shape[0], in = x.shape[3], out = weight.shape[0];
  ValueType result{x.dtype,
                   Shape{samples, height / options.stride + 1, width / options.stride + 1, out}};
  auto check = [&](int i, const Shape& wanted) -> Status {
    if (i < 0 || inputs[static_cast<std::size_t>(i)].shape == wanted) return {};
    return operand_error(*this, i, wanted.text(), inputs[static_cast<std::size_t>(i)]);
  };
  OBSCURA_TRY(check(bias_operand(), Shape{out}));
  OBSCURA_TRY(check(scale_shift_operand(), Shape{samples, 2, in}));
  OBSCURA_TRY(check(channel_add_operand(), Shape{samples, out}));
  OBSCURA_TRY(check(residual_operand(), result.shape));
  return result;
}

void Conv2dOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  auto operand = [&](int i) { return i < 0 ? nullptr : inputs[static_cast<std::size_t>(i)].f32(); };
  const float *x = inputs[0].f32(), *weight = inputs[1].f32(), *bias = operand(bias_operand());
  const float *scale_shift = operand(scale_shift_operand()),
              *channel_add = operand(channel_add_operand());
  const float* residual = operand(residual_operand());
  std::int64_t in = inputs[0].size(3), out = output.size(3), kh = inputs[1].size(2),
               kw = inputs[1].size(3);
  int scale = options.upsample ? 2 : 1;
  std::int64_t height = inputs[0].size(1), width = inputs[0].size(2);

  auto source = [&](std::int64_t n, std::int64_t row, std::int64_t column,
                    std::int64_t c) -> double {
    if (row < 0 || column < 0 || row >= height * scale || column >= width * scale) return 0;
    double v = x[((n * height + row / scale) * width + column / scale) * in + c];
    if (scale_shift != nullptr)
      v = v * scale_shift[n * 2 * in + c] + scale_shift[n * 2 * in + in + c];
    return options.normalised_silu ? activate(Activation::kSilu, v) : v;
  };
  float* y = output.f32();
  for (std::int64_t n = 0; n < output.size(0); ++n) {
    for (std::int64_t row = 0; row < output.size(1); ++row) {
      for (std::int64_t column = 0; column < output.size(2); ++column) {
        for (std::int64_t o = 0; o < out; ++o, ++y) {
          double sum = bias != nullptr ? bias[o] : 0;
          for (std::int64_t c = 0; c < in; ++c) {
            for (std::int64_t i = 0; i < kh; ++i) {
              for (std::int64_t j = 0; j < kw; ++j) {
                sum += source(n, row * options.stride + i - options.padding.top,
                              column * options.stride + j - options.padding.left, c) *
                       weight[((o * in + c) * kh + i) * kw + j];
              }
            }
          }
          if (channel_add != nullptr) sum += channel_add[n * out + o];
          if (residual != nullptr) sum += residual[y - output.f32()];
          *y = static_cast<float>(sum);
        }
      }
    }
  }
}

ValueId conv2d(Builder& builder, ValueId x, ValueId weight, ValueId bias, int stride,
               Padding padding) {
  Conv2dOp::Options options{.stride = stride, .padding = padding, .bias = bias != kNoValue};
  std::vector<ValueId> operands = {x, weight};
  if (options.bias) operands.push_back(bias);
  return builder.add(std::make_shared<Conv2dOp>(options), std::move(operands));
}

Result<ValueType> UpsampleOp::infer(std::span<const ValueType> inputs) const {
  const Shape& x = inputs[0].shape;
  if (x.rank() != 4) return operand_error(*this, 0, "(N, H, W, C)", inputs[0]);
  return ValueType{inputs[0].dtype, Shape{x[0], 2 * x[1], 2 * x[2], x[3]}};
}

void UpsampleOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  std::int64_t height = output.size(1), width = output.size(2), channels = output.size(3);
  float* y = output.f32();
  for (std::int64_t n = 0; n < output.size(0); ++n) {
    for (std::int64_t row = 0; row < height; ++row) {
      for (std::int64_t column = 0; column < width; ++column) {
        const float* x =
            inputs[0].f32() + ((n * (height / 2) + row / 2) * (width / 2) + column / 2) * channels;
        for (std::int64_t c = 0; c < channels; ++c) *y++ = x[c];
      }
    }
  }
}

ValueId upsample(Builder& builder, ValueId x) {
  return builder.add(std::make_shared<UpsampleOp>(), {x});
}

}  // namespace obscura::ir
