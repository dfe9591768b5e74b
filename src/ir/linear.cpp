#include "ir/linear.h"

#include <fmt/format.h>

namespace obscura::ir {

std::string LinearOp::text() const {
  return fmt::format("linear bias={:d} residual={:d} activation={} in_by_out={:d}", options.bias,
                     options.residual, name_of(options.activation), options.weight_in_by_out);
}

Result<ValueType> LinearOp::infer(std::span<const ValueType> inputs) const {
  const ValueType& x = inputs[0];
  const ValueType& weight = inputs[1];
  if (x.shape.rank() < 2) return operand_error(*this, 0, "at least two axes", x);
  if (weight.shape.rank() != 2) return operand_error(*this, 1, "a matrix", weight);
  std::int64_t in = weight.shape[options.weight_in_by_out ? 0 : 1];
  std::int64_t out = weight.shape[options.weight_in_by_out ? 1 : 0];
  if (x.shape[-1] != in) return operand_error(*this, 0, std::to_string(in) + " features", x);
  ValueType result = x;
  result.shape.set(-1, out);
  if (int i = bias_operand(); i >= 0 && inputs[static_cast<std::size_t>(i)].shape != Shape{out}) {
    return operand_error(*this, i, "a bias of " + std::to_string(out),
                         inputs[static_cast<std::size_t>(i)]);
  }
  if (int i = residual_operand();
      i >= 0 && inputs[static_cast<std::size_t>(i)].shape != result.shape) {
    return operand_error(*this, i, "a residual of " + result.shape.text(),
                         inputs[static_cast<std::size_t>(i)]);
  }
  return result;
}

void LinearOp::evaluate(std::span<const ConstArray> inputs, const Array& output) const {
  std::int64_t in = inputs[0].size(-1), out = output.size(-1),
               rows = output.type.shape.elements() / out;
  std::int64_t out_stride = options.weight_in_by_out ? 1 : in,
               in_stride = options.weight_in_by_out ? out : 1;
  auto operand = [&](int i) { return i < 0 ? nullptr : inputs[static_cast<std::size_t>(i)].f32(); };
  const float *bias = operand(bias_operand()), *residual = operand(residual_operand());
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t o = 0; o < out; ++o) {
      double sum = bias != nullptr ? bias[o] : 0;
      const float* weight = inputs[1].f32() + o * out_stride;
      for (std::int64_t i = 0; i < in; ++i)
        sum += static_cast<double>(inputs[0].f32()[row * in + i]) * weight[i * in_stride];
      sum = activate(options.activation, sum);
      if (residual != nullptr) sum += residual[row * out + o];
      output.f32()[row * out + o] = static_cast<float>(sum);
    }
  }
}

ValueId linear(Builder& builder, ValueId x, ValueId weight, ValueId bias) {
  LinearOp::Options options{.bias = bias != kNoValue};
  std::vector<ValueId> operands = {x, weight};
  if (options.bias) operands.push_back(bias);
  return builder.add(std::make_shared<LinearOp>(options), std::move(operands));
}

ValueId linear_in_by_out(Builder& builder, ValueId x, ValueId weight) {
  return builder.add(std::make_shared<LinearOp>(LinearOp::Options{.weight_in_by_out = true}),
                     {x, weight});
}

}  // namespace obscura::ir
