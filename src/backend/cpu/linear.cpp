// Linear as a oneDNN matmul, sample by sample.
#include "ir/linear.h"

#include "backend/cpu/int8_linear.h"
#include "backend/cpu/onednn.h"
#include "backend/cpu/precision.h"
#include "base/parallel.h"

namespace obscura::backend::cpu {
namespace {

using dnnl::memory;

void append_activation(dnnl::post_ops& post_ops, ir::Activation activation) {
  switch (activation) {
    case ir::Activation::kNone:
      break;
    case ir::Activation::kSilu:
      append_elementwise(post_ops, dnnl::algorithm::eltwise_swish, 1.0f);
      break;
    case ir::Activation::kGelu:
      append_elementwise(post_ops, dnnl::algorithm::eltwise_gelu_erf, 0.0f);
      break;
    case ir::Activation::kQuickGelu:
      append_elementwise(post_ops, dnnl::algorithm::eltwise_swish, 1.702f);
      break;
    case ir::Activation::kRelu:
      append_elementwise(post_ops, dnnl::algorithm::eltwise_relu, 0.0f);
      break;
  }
}

struct LinearShape {
  explicit LinearShape(const KernelRequest& request)
      : samples(request.inputs[0].shape[0]),
        in(request.inputs[0].shape[-1]),
        out(request.output.shape[-1]),
        rows(request.output.shape.elements() / out / samples) {}

  std::int64_t samples, in, out, rows;  // rows of each sample
};

memory::desc stored_weight(const LinearShape& shape, const ir::LinearOp& op) {
  return {{shape.in, shape.out},
          memory::data_type::f32,
          op.options.weight_in_by_out ? memory::format_tag::ab : memory::format_tag::ba};
}

// In float32, or with operands rounded to bfloat16.
class LinearKernel final : public Kernel {
 public:
  LinearKernel(const ir::LinearOp& op, const KernelRequest& request, bool bf16)
      : shape_(request),
        bf16_(bf16),
        bias_(op.bias_operand()),
        residual_(op.residual_operand()),
        stored_(stored_weight(shape_, op)) {
    using Tag = memory::format_tag;
    auto operand = bf16 ? memory::data_type::bf16 : memory::data_type::f32;
    source_ = memory::desc({shape_.rows, shape_.in}, operand, Tag::ab);
    target_ = memory::desc({shape_.rows, shape_.out}, memory::data_type::f32, Tag::ab);
    memory::desc weight({shape_.in, shape_.out}, operand, Tag::any);
    if (bias_ >= 0) bias_desc_ = memory::desc({1, shape_.out}, memory::data_type::f32, Tag::ab);
    dnnl::primitive_attr attributes = planned_attributes();
    dnnl::post_ops post_ops;
    append_activation(post_ops, op.options.activation);
    residual_post_op_ = post_ops.len();
    if (residual_ >= 0) post_ops.append_binary(dnnl::algorithm::binary_add, target_);
    attributes.set_post_ops(post_ops);
    dnnl::matmul::primitive_desc primitive =
        bias_ < 0 ? product(source_, weight, target_, attributes)
                  : product_with_bias(source_, weight, bias_desc_, target_, attributes);
    weight_ = primitive.weights_desc();
    scratchpad_ = primitive.scratchpad_desc();
    matmul_ = dnnl::matmul(primitive);
  }

  plan::NodeNeeds needs() const override {
    plan::NodeNeeds needs;
    needs.workspace_bytes = rounded_bytes() + scratchpad_.get_size();
    bool as_stored = weight_ == stored_;
    needs.weights.push_back(
        {.operand = 1,
         .bytes = weight_.get_size(),
         .staging_bytes = as_stored ? 0 : stored_.get_size(),
         .form = std::string(bf16_ ? "linear bf16 " : "linear ") + layout_text(weight_)});
    return needs;
  }

  void prepare(std::size_t, const float* plain, std::byte* prepared) const override {
    if (weight_ == stored_) return;  // read straight into its place
    memory from = borrowed(stored_, plain), to = borrowed(weight_, prepared);
    dnnl::reorder(from, to).execute(onednn_stream(), from, to);
  }

  void run(const KernelCall& call) const override {
    std::unordered_map<int, memory> arguments = {
        {DNNL_ARG_WEIGHTS, borrowed(weight_, call.f32(1))},
        {DNNL_ARG_SCRATCHPAD, borrowed(scratchpad_, call.workspace + rounded_bytes())}};
    if (bias_ >= 0) arguments[DNNL_ARG_BIAS] = borrowed(bias_desc_, call.f32(bias_));
    for (std::int64_t n = 0; n < shape_.samples; ++n) {
      arguments[DNNL_ARG_SRC] =
          borrowed(source_, rounded(call.f32(0) + n * shape_.rows * shape_.in, call.workspace));
      std::int64_t target = n * shape_.rows * shape_.out;
      arguments[DNNL_ARG_DST] = borrowed(target_, call.result() + target);
      if (residual_ >= 0) {
        arguments[DNNL_ARG_ATTR_MULTIPLE_POST_OP(residual_post_op_) | DNNL_ARG_SRC_1] =
            borrowed(target_, call.f32(residual_) + target);
      }
      matmul_.execute(onednn_stream(), arguments);
    }
  }

 private:
  std::size_t rounded_bytes() const { return bf16_ ? plan::aligned(source_.get_size()) : 0; }

  const void* rounded(const float* x, std::byte* workspace) const {
    if (!bf16_) return x;
    auto* y = reinterpret_cast<std::uint16_t*>(workspace);
    parallel_for(shape_.rows, [&](std::int64_t row) {
      round_to_bf16(x + row * shape_.in, shape_.in, y + row * shape_.in);
    });
    return y;
  }

  LinearShape shape_;
  bool bf16_;
  int bias_, residual_, residual_post_op_ = 0;
  memory::desc stored_, source_, target_, bias_desc_, weight_, scratchpad_;
  dnnl::matmul matmul_;
};

Result<std::unique_ptr<Kernel>> make_linear(const KernelRequest& request) {
  const auto& op = dynamic_cast<const ir::LinearOp&>(request.op);
  if (request.products == ir::Products::kInt8) return make_int8_linear(request);
  const bool bf16 = request.products == ir::Products::kBF16;
  return guarded(request, [&]() -> std::unique_ptr<Kernel> {
    return std::make_unique<LinearKernel>(op, request, bf16);
  });
}

const RegisterKernel kLinear("linear", make_linear);

}  // namespace
}  // namespace obscura::backend::cpu
