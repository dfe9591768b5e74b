#include "nn/branch.h"

#include <string>

#include "ir/arithmetic.h"
#include "ir/linear.h"

namespace obscura::nn {
namespace {

ir::ValueId strength_of(ir::Builder& builder, const std::string& source) {
  ir::ValueId known = builder.existing_input(source);
  return known != ir::kNoValue ? known : builder.steady_input(source, {DType::kF32, Shape{1}});
}

// A matrix, also where it is stored as a 1x1 convolution.
ir::ValueId apply_matrix(const Scope& branch, std::string_view tensor, ir::ValueId x) {
  const Shape& stored = *branch.find(tensor);
  return ir::linear(branch.builder(), x, branch.weight(tensor, Shape{stored[0], stored[1]}),
                    ir::kNoValue);
}

}  // namespace

ir::ValueId with_branches(const Scope& at, ir::ValueId x, ir::ValueId y, int stride,
                          ir::Padding padding) {
  ir::Builder& builder = at.builder();
  if (!at.source().empty()) return y;
  for (const std::string& source : builder.weights().branches()) {
    const Scope branch = Scope(builder, source) / at.path();
    const Shape* down = branch.find("down");
    if (down == nullptr || !branch.has("up")) continue;
    const bool kernel = down->rank() == 4 && (*down)[2] * (*down)[3] > 1;
    ir::ValueId low = kernel || stride > 1 ? ir::conv2d(builder, x, branch.weight("down"),
                                                        ir::kNoValue, stride, padding)
                                           : apply_matrix(branch, "down", x);
    if (builder.failed()) return ir::kNoValue;
    low = ir::scale(builder, low, strength_of(builder, source));
    y = ir::add(builder, y, apply_matrix(branch, "up", low));
  }
  return y;
}

}  // namespace obscura::nn
