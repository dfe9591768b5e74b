// The mask of an attention, row by row.
#pragma once

#include <cstdint>
#include <limits>

#include "backend/cpu/kernel.h"
#include "ir/attention.h"

namespace obscura::backend::cpu {

class AttentionMask {
 public:
  explicit AttentionMask(const KernelRequest& request)
      : operand_(dynamic_cast<const ir::AttentionOp&>(request.op).mask_operand()) {
    if (operand_ >= 0) type_ = request.inputs[static_cast<std::size_t>(operand_)];
  }

  bool is_there() const { return operand_ >= 0; }

  // Makes x * scale + mask of the first `count` scores of a query. False if it sees none of them.
  bool apply(const KernelCall& call, std::int64_t n, std::int64_t head, std::int64_t token,
             float scale, std::int64_t count, float* x) const {
    constexpr float kUnseen = -std::numeric_limits<float>::infinity();
    const std::int64_t row =
        (along(0, n) * type_.shape[1] + along(1, head)) * type_.shape[2] + along(2, token);
    const std::int64_t first = row * type_.shape[3];
    bool sees = false;
    for (std::int64_t s = 0; s < count; ++s) {
      if (type_.dtype == DType::kI32) {
        x[s] = call.i32(operand_)[first + s] != 0 ? x[s] * scale : kUnseen;
      } else {
        x[s] = x[s] * scale + call.f32(operand_)[first + s];
      }
      sees = sees || x[s] != kUnseen;
    }
    return sees;
  }

 private:
  // The index along an axis that may repeat.
  std::int64_t along(int axis, std::int64_t i) const { return type_.shape[axis] == 1 ? 0 : i; }

  int operand_;
  ir::ValueType type_;
};

}  // namespace obscura::backend::cpu
