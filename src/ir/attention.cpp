#include "ir/attention.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace obscura::ir {
namespace {

// What the mask adds to the score of key `s`: -infinity where it is not seen.
double mask_at(const ConstArray& mask, std::int64_t n, std::int64_t head, std::int64_t token,
               std::int64_t s) {
  auto along = [&](int axis, std::int64_t i) { return mask.size(axis) == 1 ? 0 : i; };
  const std::int64_t row =
      (along(0, n) * mask.size(1) + along(1, head)) * mask.size(2) + along(2, token);
  const std::int64_t at = row * mask.size(3) + s;
  if (mask.type.dtype != DType::kI32) return mask.f32()[at];
  return mask.i32()[at] != 0 ? 0 : -std::numeric_limits<double>::infinity();
}

}  // namespace

std::string AttentionOp::text() const {
  return fmt::format("attention heads={} head_size={} causal={:d} offsets={},{},{}{}",
                     options.heads, options.head_size, options.causal, options.q_offset,
                     options.k_offset, options.v_offset, options.mask ? " mask" : "");
}

Result<ValueType> AttentionOp::infer(std::span<const ValueType> inputs) const {
  const int width = options.heads * options.head_size;
  const int offsets[] = {options.q_offset, options.k_offset, options.v_offset};
  for (int i = 0; i < 3; ++i) {
    const ValueType& operand = inputs[static_cast<std::size_t>(i)];
    if (operand.shape.rank() != 3) return operand_error(*this, i, "(N, tokens, features)", operand);
    if (operand.shape[2] < offsets[i] + width) {
      return operand_error(*this, i, "at least " + std::to_string(offsets[i] + width) + " features",
                           operand);
    }
    if (operand.shape[0] != inputs[0].shape[0])
      return operand_error(*this, i, "the batch of q", operand);
  }
  if (inputs[1].shape[1] != inputs[2].shape[1])
    return operand_error(*this, 2, "as many tokens as k", inputs[2]);
  if (options.causal && inputs[0].shape[1] != inputs[1].shape[1]) {
    return operand_error(*this, 1, "as many tokens as q", inputs[1]);
  }
  if (options.mask) {
    const Shape &mask = inputs[3].shape, &q = inputs[0].shape;
    auto repeats = [&](int axis, std::int64_t size) {
      return mask[axis] == size || mask[axis] == 1;
    };
    if (mask.rank() != 4 || !repeats(0, q[0]) || !repeats(1, options.heads) || !repeats(2, q[1]) ||
        mask[3] != inputs[1].shape[1]) {
      return operand_error(*this, 3,
                           fmt::format("a mask that repeats over {}x{}x{}x{}", q[0], options.heads,
                                       q[1], inputs[1].shape[1]),
                           inputs[3]);
    }
  }
  return ValueType{inputs[0].dtype, Shape{inputs[0].shape[0], inputs[0].shape[1], width}};
}

void AttentionOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  std::int64_t tokens = inputs[0].size(1), keys = inputs[1].size(1), size = options.head_size;
  std::int64_t width = output.size(2);
  std::vector<double> weights(static_cast<std::size_t>(keys));
  auto row = [&](const ConstArray& array, std::int64_t n, std::int64_t token, int offset,
                 int head) {
    return array.f32() + (n * array.size(1) + token) * array.size(2) + offset + head * size;
  };
  for (std::int64_t n = 0; n < output.size(0); ++n) {
    for (int head = 0; head < options.heads; ++head) {
      for (std::int64_t t = 0; t < tokens; ++t) {
        std::int64_t visible = options.causal ? t + 1 : keys;
        const float* q = row(inputs[0], n, t, options.q_offset, head);
        for (std::int64_t s = 0; s < visible; ++s) {
          const float* k = row(inputs[1], n, s, options.k_offset, head);
          double dot = 0;
          for (std::int64_t i = 0; i < size; ++i) dot += static_cast<double>(q[i]) * k[i];
          dot /= std::sqrt(static_cast<double>(size));
          if (options.mask) dot += mask_at(inputs[3], n, head, t, s);
          weights[static_cast<std::size_t>(s)] = dot;
        }
        double largest = *std::max_element(weights.begin(), weights.begin() + visible), sum = 0;
        if (std::isinf(largest)) largest = 0;  // sees nothing: all weights become 0
        for (std::int64_t s = 0; s < visible; ++s) {
          double& weight = weights[static_cast<std::size_t>(s)];
          weight = std::exp(weight - largest);
          sum += weight;
        }
        for (std::int64_t i = 0; i < size; ++i) {
          double mixed = 0;
          for (std::int64_t s = 0; s < visible; ++s) {
            mixed += weights[static_cast<std::size_t>(s)] *
                     row(inputs[2], n, s, options.v_offset, head)[i];
          }
          output.f32()[(n * tokens + t) * width + head * size + i] =
              static_cast<float>(sum == 0 ? 0 : mixed / sum);
        }
      }
    }
  }
}

ValueId attention(Builder& builder, ValueId q, ValueId k, ValueId v, AttentionOp::Options options,
                  ValueId mask) {
  std::vector<ValueId> operands = {q, k, v};
  options.mask = mask != kNoValue;
  if (options.mask) operands.push_back(mask);
  return builder.add(std::make_shared<AttentionOp>(options), std::move(operands));
}

}  // namespace obscura::ir
