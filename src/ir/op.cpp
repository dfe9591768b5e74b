#include "ir/op.h"

namespace obscura::ir {

Result<std::vector<ValueId>> Op::gradient(Builder&, std::span<const ValueId>, ValueId,
                                          ValueId) const {
  return Error(ErrorKind::kUnsupported, "[" + std::string(name()) + "] has no gradient");
}

Error shape_error(const Op& op, const std::string& message) {
  return Error(ErrorKind::kInvalidInput, "[" + std::string(op.name()) + "] " + message);
}

Error operand_error(const Op& op, int input, const std::string& wanted, const ValueType& found) {
  return shape_error(
      op, "input " + std::to_string(input) + " wants " + wanted + ", got " + found.text());
}

}  // namespace obscura::ir
