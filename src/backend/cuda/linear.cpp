// Linear by cuBLASLt, with the bias and the residual in the product's last step; in fp8 with a
// scale for each row and each output channel.
#include "ir/linear.h"

#include "backend/cuda/kernel.h"
#include "backend/cuda/kernels/auxiliary.h"
#include "backend/cuda/kernels/quantise.h"
#include "backend/cuda/matmul.h"
#include "backend/cuda/status.h"

namespace obscura::backend::cuda {
namespace {

// Fewer rows do not pay for rounding them, and what has few rows (times, sizes, the prompt) steers
// the whole image.
constexpr std::int64_t kFp8Rows = 256;
// What tensor cores want the sides of fp8 matrices to be multiples of.
constexpr std::int64_t kFp8Multiple = 16;

MatmulShape product_of(const ir::LinearOp::Options& options, const ir::ValueType& x,
                       const ir::ValueType& y) {
  MatmulShape shape;
  shape.depth = x.shape[-1];
  shape.columns = y.shape[-1];
  shape.rows = y.shape.elements() / shape.columns;
  shape.element = shape.result = x.dtype;
  shape.b_depth_by_columns = options.weight_in_by_out;
  shape.bias = options.bias;
  // An activation comes before the residual, which is then added after both.
  shape.add_c = options.residual && options.activation == ir::Activation::kNone;
  return shape;
}

bool suits_fp8(const MatmulShape& shape) {
  return shape.element == DType::kF16 && !shape.b_depth_by_columns && shape.rows >= kFp8Rows &&
         shape.depth % kFp8Multiple == 0 && shape.columns % kFp8Multiple == 0;
}

class Linear : public Kernel {
 public:
  Linear(const ir::LinearOp::Options& options, Matmul matmul, const ir::ValueType& output)
      : op_(options),
        matmul_(std::move(matmul)),
        element_(element_of(output.dtype)),
        count_(output.shape.elements()) {}

  plan::NodeNeeds needs() const override {
    plan::NodeNeeds needs;
    needs.workspace_bytes = matmul_.workspace_bytes();
    // Before an activation the residual's memory must still hold it.
    if (!activates()) needs.in_place_operand = op_.residual_operand();
    return needs;
  }

  Status run(const KernelCall& call) const override {
    return run(call, {.a = call.input(0), .b = call.input(1), .workspace = call.workspace});
  }

  std::string choice() const override { return matmul_.choice(); }

 protected:
  // With a, b, their scales and the workspace given.
  Status run(const KernelCall& call, MatmulOperands operands) const {
    const void* residual = call.optional(op_.residual_operand());
    operands.bias = call.optional(op_.bias_operand());
    operands.c = activates() ? nullptr : residual;
    operands.d = call.output();
    OBSCURA_TRY(matmul_.run(operands, call.stream));
    if (!activates()) return {};
    return check(
        activate(element_, op_.options.activation, call.output(), residual, count_, call.stream),
        "linear's activation");
  }
  bool activates() const { return op_.options.activation != ir::Activation::kNone; }
  Element element() const { return element_; }

 private:
  ir::LinearOp op_;
  Matmul matmul_;
  Element element_;
  std::int64_t count_;
};

// Weights are prepared as e4m3 elements, then a scale for each output channel; rows are rounded on
// their way in, into the workspace.
class Fp8Linear final : public Linear {
 public:
  Fp8Linear(const ir::LinearOp::Options& options, Matmul matmul, const MatmulShape& shape,
            const ir::ValueType& output)
      : Linear(options, std::move(matmul), output), shape_(shape) {}

  plan::NodeNeeds needs() const override {
    plan::NodeNeeds needs = Linear::needs();
    needs.workspace_bytes += rounded_bytes(shape_.rows) + scales_bytes(shape_.rows);
    needs.weights.push_back({.operand = 1,
                             .bytes = rounded_bytes(shape_.columns) + scales_bytes(shape_.columns),
                             .staging_bytes = 0,
                             .form = "linear fp8"});
    return needs;
  }

  Status prepare(std::size_t, const void* plain, void* prepared,
                 cudaStream_t stream) const override {
    return check(quantise_rows(element(), plain, prepared, scales_of(prepared, shape_.columns),
                               shape_.columns, shape_.depth, stream),
                 "rounding a weight to fp8");
  }

  Status run(const KernelCall& call) const override {
    float* scales = scales_of(call.workspace, shape_.rows);
    OBSCURA_TRY(check(quantise_rows(element(), call.input(0), call.workspace, scales, shape_.rows,
                                    shape_.depth, call.stream),
                      "rounding to fp8"));
    const void* weight = call.input(1);
    return Linear::run(
        call, {.a = call.workspace,
               .b = weight,
               .a_scales = scales,
               .b_scales = scales_of(weight, shape_.columns),
               .workspace = reinterpret_cast<std::byte*>(scales) + scales_bytes(shape_.rows)});
  }

 private:
  std::size_t rounded_bytes(std::int64_t rows) const {
    return plan::aligned(static_cast<std::size_t>(rows * shape_.depth));
  }
  static std::size_t scales_bytes(std::int64_t rows) {
    return plan::aligned(static_cast<std::size_t>(rows) * sizeof(float));
  }
  float* scales_of(void* rounded, std::int64_t rows) const {
    return reinterpret_cast<float*>(static_cast<std::byte*>(rounded) + rounded_bytes(rows));
  }
  const float* scales_of(const void* rounded, std::int64_t rows) const {
    return reinterpret_cast<const float*>(static_cast<const std::byte*>(rounded) +
                                          rounded_bytes(rows));
  }

  MatmulShape shape_;
};

Result<std::unique_ptr<Kernel>> make_linear(const KernelRequest& request) {
  const auto& options = dynamic_cast<const ir::LinearOp&>(*request.op).options;
  MatmulShape shape = product_of(options, request.type(0), request.output);
  if (request.products == ir::Products::kFp8 && suits_fp8(shape)) {
    MatmulShape scaled = shape;
    scaled.element = DType::kF8E4M3;
    OBSCURA_ASSIGN(Matmul matmul, Matmul::create(request.context, scaled));
    return std::unique_ptr<Kernel>(
        std::make_unique<Fp8Linear>(options, std::move(matmul), scaled, request.output));
  }
  OBSCURA_ASSIGN(Matmul matmul, Matmul::create(request.context, shape));
  return std::unique_ptr<Kernel>(
      std::make_unique<Linear>(options, std::move(matmul), request.output));
}

const RegisterKernel kLinear("linear", make_linear);

}  // namespace
}  // namespace obscura::backend::cuda
