#include "ir/group_norm.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "ir/activation.h"

namespace obscura::ir {
namespace {

Status check_operands(const Op& op, std::span<const ValueType> inputs, int groups) {
  const Shape& x = inputs[0].shape;
  if (x.rank() != 4) return operand_error(op, 0, "(N, H, W, C)", inputs[0]);
  if (x[3] % groups != 0) {
    return operand_error(op, 0, "channels that divide into " + std::to_string(groups) + " groups",
                         inputs[0]);
  }
  for (int i : {1, 2}) {
    const ValueType& parameter = inputs[static_cast<std::size_t>(i)];
    if (parameter.shape != Shape{x[3]})
      return operand_error(op, i, std::to_string(x[3]) + " channels", parameter);
  }
  return {};
}

}  // namespace

std::string GroupNormOp::text() const {
  return fmt::format("group_norm groups={} eps={} silu={:d}", options.groups, options.eps,
                     options.silu);
}

Result<ValueType> GroupNormOp::infer(std::span<const ValueType> inputs) const {
  OBSCURA_TRY(check_operands(*this, inputs, options.groups));
  return inputs[0];
}

void GroupNormOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  std::int64_t samples = output.size(0), pixels = output.size(1) * output.size(2),
               channels = output.size(3);
  std::vector<float> scale_shift(static_cast<std::size_t>(samples * 2 * channels));
  Array stats{{DType::kF32, Shape{samples, 2, channels}}, scale_shift.data()};
  GroupStatsOp(options.groups, options.eps).evaluate(inputs, stats);
  for (std::int64_t i = 0; i < samples * pixels * channels; ++i) {
    const float* scale = scale_shift.data() + i / (pixels * channels) * 2 * channels + i % channels;
    double y = static_cast<double>(inputs[0].f32()[i]) * scale[0] + scale[channels];
    output.f32()[i] = static_cast<float>(options.silu ? activate(Activation::kSilu, y) : y);
  }
}

ValueId group_norm(Builder& builder, ValueId x, ValueId gamma, ValueId beta,
                   GroupNormOp::Options options) {
  return builder.add(std::make_shared<GroupNormOp>(options), {x, gamma, beta});
}

std::string GroupStatsOp::text() const {
  return fmt::format("group_stats groups={} eps={}", groups, eps);
}

Result<ValueType> GroupStatsOp::infer(std::span<const ValueType> inputs) const {
  OBSCURA_TRY(check_operands(*this, inputs, groups));
  return ValueType{DType::kF32, Shape{inputs[0].shape[0], 2, inputs[0].shape[3]}};
}

void GroupStatsOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  std::int64_t samples = inputs[0].size(0), pixels = inputs[0].size(1) * inputs[0].size(2),
               channels = inputs[0].size(3);
  std::int64_t width = channels / groups;
  for (std::int64_t n = 0; n < samples; ++n) {
    for (std::int64_t g = 0; g < groups; ++g) {
      double sum = 0, squares = 0;
      auto each = [&](auto&& visit) {
        for (std::int64_t p = 0; p < pixels; ++p) {
          for (std::int64_t c = g * width; c < (g + 1) * width; ++c)
            visit(inputs[0].f32()[(n * pixels + p) * channels + c]);
        }
      };
      each([&](double x) { sum += x; });
      double count = static_cast<double>(pixels * width), mean = sum / count;
      each([&](double x) { squares += (x - mean) * (x - mean); });
      double inverse = 1 / std::sqrt(squares / count + eps);
      for (std::int64_t c = g * width; c < (g + 1) * width; ++c) {
        double scale = inputs[1].f32()[c] * inverse;
        output.f32()[n * 2 * channels + c] = static_cast<float>(scale);
        output.f32()[n * 2 * channels + channels + c] =
            static_cast<float>(inputs[2].f32()[c] - mean * scale);
      }
    }
  }
}

Result<ValueType> ChannelMomentsOp::infer(std::span<const ValueType> inputs) const {
  const Shape& x = inputs[0].shape;
  if (x.rank() != 4) return operand_error(*this, 0, "(N, H, W, C)", inputs[0]);
  return ValueType{DType::kF32, Shape{x[0], 2, x[3]}};
}

void ChannelMomentsOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  std::int64_t pixels = inputs[0].size(1) * inputs[0].size(2), channels = inputs[0].size(3);
  for (std::int64_t n = 0; n < inputs[0].size(0); ++n) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const float* x = inputs[0].f32() + n * pixels * channels + c;
      double sum = 0, squares = 0;
      for (std::int64_t p = 0; p < pixels; ++p) sum += x[p * channels];
      double mean = sum / static_cast<double>(pixels);
      for (std::int64_t p = 0; p < pixels; ++p)
        squares += (x[p * channels] - mean) * (x[p * channels] - mean);
      output.f32()[n * 2 * channels + c] = static_cast<float>(mean);
      output.f32()[n * 2 * channels + channels + c] =
          static_cast<float>(squares / static_cast<double>(pixels));
    }
  }
}

ValueId channel_moments(Builder& builder, ValueId x) {
  return builder.add(std::make_shared<ChannelMomentsOp>(), {x});
}

void group_scale_shift(std::span<const double> means, std::span<const double> variances, int groups,
                       float eps, const float* gamma, const float* beta, float* scale_shift) {
  std::size_t channels = means.size(), width = channels / static_cast<std::size_t>(groups);
  for (std::size_t begin = 0; begin < channels; begin += width) {
    double mean = 0, variance = 0;
    for (std::size_t c = begin; c < begin + width; ++c)
      mean += means[c] / static_cast<double>(width);
    for (std::size_t c = begin; c < begin + width; ++c) {
      variance +=
          (variances[c] + (means[c] - mean) * (means[c] - mean)) / static_cast<double>(width);
    }
    double inverse = 1 / std::sqrt(std::max(variance, 0.0) + eps);
    for (std::size_t c = begin; c < begin + width; ++c) {
      double scale = gamma[c] * inverse;
      scale_shift[c] = static_cast<float>(scale);
      scale_shift[channels + c] = static_cast<float>(beta[c] - mean * scale);
    }
  }
}

}  // namespace obscura::ir
