// An op with two results, for tests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"

namespace obscura::ir {

// The two halves of the innermost axis, (…, 2 C) -> (…, C) and (…, C); the second one doubled, so
// that they cannot be confused.
class SplitOp final : public Op {
 public:
  std::string_view name() const override { return "test_split"; }
  std::string text() const override { return "test_split"; }
  Result<std::vector<ValueType>> infer_all(std::span<const ValueType> inputs) const override {
    if (inputs[0].shape[-1] % 2 != 0) return operand_error(*this, 0, "an even width", inputs[0]);
    ValueType half = inputs[0];
    half.shape.set(-1, half.shape[-1] / 2);
    return std::vector<ValueType>{half, half};
  }
  void evaluate_all(std::span<const ConstArray> inputs,
                    std::span<const Array> outputs) const override {
    const std::int64_t width = outputs[0].size(-1), rows = outputs[0].type.shape.elements() / width;
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t i = 0; i < width; ++i) {
        const float* x = inputs[0].f32() + 2 * row * width + i;
        outputs[0].f32()[row * width + i] = x[0];
        outputs[1].f32()[row * width + i] = 2 * x[width];
      }
    }
  }
};

struct Halves {
  ValueId first, second;
};

inline Halves split(Builder& builder, ValueId x) {
  std::vector<ValueId> results = builder.add_all(std::make_shared<SplitOp>(), {x}, 2);
  return {results[0], results[1]};
}

}  // namespace obscura::ir
