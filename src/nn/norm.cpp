#include "nn/norm.h"

#include "ir/group_norm.h"
#include "ir/layer_norm.h"

namespace obscura::nn {
namespace {

constexpr int kGroups = 32;

ir::ValueId group_norm(const Scope& at, ir::ValueId x, ir::GroupNormOp::Options options) {
  return ir::group_norm(at.enter(), x, at.weight("weight"), at.weight("bias"), options);
}

}  // namespace

ir::ValueId group_norm(const Scope& at, ir::ValueId x, float eps) {
  return group_norm(at, x, {.groups = kGroups, .eps = eps, .silu = false});
}

ir::ValueId group_norm_silu(const Scope& at, ir::ValueId x, float eps) {
  return group_norm(at, x, {.groups = kGroups, .eps = eps, .silu = true});
}

ir::ValueId layer_norm(const Scope& at, ir::ValueId x) {
  return ir::layer_norm(at.enter(), x, at.weight("weight"), at.weight("bias"));
}

}  // namespace obscura::nn
