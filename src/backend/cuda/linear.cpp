// Linear by cuBLASLt, with the bias and the residual in the product's last step.
#include "ir/linear.h"
#include "backend/cuda/kernel.h"
#include "backend/cuda/kernels/launch.h"
#include "backend/cuda/matmul.h"
#include "backend/cuda/status.h"

namespace obscura::backend::cuda {
namespace {

class Linear final : public Kernel {
 public:
  Linear(const ir::LinearOp::Options& options, Matmul matmul, const ir::ValueType& output)
      : options_(options),
        op_(options),
        matmul_(std::move(matmul)),
        element_(element_of(output.dtype)),
        count_(output.shape.elements()) {}

  plan::NodeNeeds needs() const override {
    plan::NodeNeeds needs;
    needs.workspace_bytes = matmul_.workspace_bytes();
    // An activation comes before the residual, whose memory must then still hold it.
    if (options_.activation == ir::Activation::kNone)
      needs.in_place_operand = op_.residual_operand();
    return needs;
  }

  Status run(const KernelCall& call) const override {
    const void* residual = call.optional(op_.residual_operand());
    bool activates = options_.activation != ir::Activation::kNone;
    OBSCURA_TRY(matmul_.run(call.input(0), call.input(1), call.optional(op_.bias_operand()),
                            activates ? nullptr : residual, call.output, 1, call.workspace,
                            call.stream));
    if (!activates) return {};
    activate(element_, options_.activation, call.output, residual, count_, call.stream);
    return check(cudaGetLastError(), "linear's activation");
  }

  std::string choice() const override { return matmul_.choice(); }

 private:
  ir::LinearOp::Options options_;
  ir::LinearOp op_;
  Matmul matmul_;
  Element element_;
  std::int64_t count_;
};

Result<std::unique_ptr<Kernel>> make_linear(const KernelRequest& request) {
  const auto& options = dynamic_cast<const ir::LinearOp&>(*request.op).options;
  const ir::ValueType &x = request.type(0), &y = request.output;
  MatmulShape shape;
  shape.depth = x.shape[-1];
  shape.columns = y.shape[-1];
  shape.rows = y.shape.elements() / shape.columns;
  shape.element = shape.result = x.dtype;
  shape.b_depth_by_columns = options.weight_in_by_out;
  shape.bias = options.bias;
  shape.add_c = options.residual && options.activation == ir::Activation::kNone;
  OBSCURA_ASSIGN(Matmul matmul, Matmul::create(request.context, shape));
  return std::unique_ptr<Kernel>(std::make_unique<Linear>(options, std::move(matmul), y));
}

const RegisterKernel kLinear("linear", make_linear);

}  // namespace
}  // namespace obscura::backend::cuda
