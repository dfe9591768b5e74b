#include "ir/op.h"

namespace obscura::ir {

Result<std::vector<ValueId>> Op::gradient(Builder&, std::span<const ValueId>,
                                          std::span<const ValueId>,
                                          std::span<const ValueId>) const {
  return Error(ErrorKind::kUnsupported, "[" + std::string(name()) + "] has no gradient");
}

Result<std::vector<ValueType>> SingleResultOp::infer_all(std::span<const ValueType> inputs) const {
  OBSCURA_ASSIGN(ValueType type, infer(inputs));
  return std::vector<ValueType>{type};
}

void SingleResultOp::evaluate_all(std::span<const ConstArray> inputs,
                                  std::span<const Array> outputs) const {
  evaluate(inputs, outputs[0]);
}

Error shape_error(const Op& op, const std::string& message) {
  return Error(ErrorKind::kInvalidInput, "[" + std::string(op.name()) + "] " + message);
}

Error operand_error(const Op& op, int input, const std::string& wanted, const ValueType& found) {
  return shape_error(
      op, "input " + std::to_string(input) + " wants " + wanted + ", got " + found.text());
}

}  // namespace obscura::ir
