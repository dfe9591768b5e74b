#include "nn/attention.h"

#include "ir/attention.h"
#include "ir/linear.h"
#include "nn/linear.h"

namespace obscura::nn {
namespace {

// Fails the builder if `width` does not divide into heads.
ir::AttentionOp::Options divide(ir::Builder& builder, std::int64_t width, Heads heads) {
  std::int64_t count = heads.count > 0 ? heads.count : width / heads.size;
  if (count == 0 || width % count != 0 || (heads.count == 0 && width % heads.size != 0)) {
    std::string wanted = heads.count > 0 ? std::to_string(heads.count) + " heads"
                                         : "heads of " + std::to_string(heads.size);
    builder.fail(Error(ErrorKind::kInvalidInput, "[attention] a width that divides into " + wanted +
                                                     " is wanted, got " + std::to_string(width)));
    return {};
  }
  return {.heads = static_cast<int>(count),
          .head_size = static_cast<int>(width / count),
          .causal = heads.causal};
}

}  // namespace

ir::ValueId attention(const Scope& at, ir::ValueId x, ir::ValueId context,
                      const AttentionNames& names, Heads heads) {
  ir::ValueId q = linear(at / names.q, x);
  ir::ValueId k = linear(at / names.k, context);
  ir::ValueId v = linear(at / names.v, context);
  ir::Builder& builder = at.enter();
  ir::AttentionOp::Options options = divide(builder, builder.shape(q)[-1], heads);
  return linear(at / names.out, ir::attention(builder, q, k, v, options));
}

ir::ValueId merged_self_attention(const Scope& at, ir::ValueId x, Heads heads) {
  ir::Builder& builder = at.enter();
  ir::ValueId qkv = ir::linear(builder, x, at.weight("in_proj_weight"), at.weight("in_proj_bias"));
  int width = static_cast<int>(builder.shape(x)[-1]);
  ir::AttentionOp::Options options = divide(builder, width, heads);
  options.k_offset = width;
  options.v_offset = 2 * width;
  return linear(at / "out_proj", ir::attention(builder, qkv, qkv, qkv, options));
}

}  // namespace obscura::nn
