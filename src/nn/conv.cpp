#include "nn/conv.h"

#include "ir/resize.h"
#include "ir/shape_ops.h"
#include "nn/branch.h"
#include "nn/linear.h"

namespace obscura::nn {
namespace {

// The first `width` columns of an image, by way of an image whose rows are those columns.
ir::ValueId crop_columns(ir::Builder& builder, ir::ValueId x, std::int64_t width) {
  Shape s = builder.shape(x);
  ir::ValueId columns = ir::reshape(builder, x, Shape{s[0] * s[1], s[2], 1, s[3]});
  columns = ir::slice_rows(builder, columns, 0, width);
  return ir::reshape(builder, columns, Shape{s[0], s[1], width, s[3]});
}

}  // namespace

ir::ValueId conv2d(const Scope& at, ir::ValueId x) {
  int kh = static_cast<int>(at.size("weight", 2)), kw = static_cast<int>(at.size("weight", 3));
  if (kh == 1 && kw == 1) return linear(at, x);
  return conv2d(at, x, 1,
                ir::Padding{.top = kh / 2, .bottom = kh / 2, .left = kw / 2, .right = kw / 2});
}

ir::ValueId conv2d(const Scope& at, ir::ValueId x, int stride, ir::Padding padding) {
  ir::ValueId y =
      ir::conv2d(at.enter(), x, at.weight("weight"), at.optional_weight("bias"), stride, padding);
  return with_branches(at, x, y, stride, padding);
}

ir::ValueId upsample(const Scope& at, ir::ValueId x, std::int64_t height, std::int64_t width) {
  ir::Builder& builder = at.enter();
  const Shape& s = builder.shape(x);
  const bool doubles = (height + 1) / 2 == s[1] && (width + 1) / 2 == s[2];
  if (!doubles) return ir::resize(builder, x, height, width, ResizeMethod::kNearest);
  ir::ValueId y = ir::upsample(builder, x);
  if (builder.shape(y)[1] != height) y = ir::slice_rows(builder, y, 0, height);
  if (builder.shape(y)[2] != width) y = crop_columns(builder, y, width);
  return y;
}

}  // namespace obscura::nn
