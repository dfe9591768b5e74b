#include "nn/linear.h"

#include "ir/linear.h"
#include "nn/branch.h"

namespace obscura::nn {

ir::ValueId linear(const Scope& at, ir::ValueId x) {
  ir::Builder& builder = at.enter();
  const Shape* stored = at.find("weight");
  ir::ValueId weight = stored != nullptr && stored->rank() == 4
                           ? at.weight("weight", Shape{(*stored)[0], (*stored)[1]})
                           : at.weight("weight");
  return with_branches(at, x, ir::linear(builder, x, weight, at.optional_weight("bias")));
}

}  // namespace obscura::nn
