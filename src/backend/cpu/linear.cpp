// Linear as a oneDNN matmul, sample by sample.
#include "ir/linear.h"

#include <algorithm>

#include "backend/cpu/onednn.h"
#include "backend/cpu/vector_math.h"

namespace obscura::backend::cpu {
namespace {

using dnnl::memory;

void append_activation(dnnl::post_ops& post_ops, ir::Activation activation) {
  switch (activation) {
    case ir::Activation::kNone:
      break;
    case ir::Activation::kSilu:
      post_ops.append_eltwise(1.0f, dnnl::algorithm::eltwise_swish, 1.0f, 0.0f);
      break;
    case ir::Activation::kGelu:
      post_ops.append_eltwise(1.0f, dnnl::algorithm::eltwise_gelu_erf, 0.0f, 0.0f);
      break;
    case ir::Activation::kQuickGelu:
      post_ops.append_eltwise(1.0f, dnnl::algorithm::eltwise_swish, 1.702f, 0.0f);
      break;
  }
}

class LinearKernel final : public Kernel {
 public:
  LinearKernel(const ir::LinearOp& op, const KernelRequest& request)
      : bias_(op.bias_operand()), residual_(op.residual_operand()) {
    const Shape& x = request.inputs[0].shape;
    samples_ = x[0];
    in_ = x[-1];
    out_ = request.output.shape[-1];
    rows_ = x.elements() / in_ / samples_;
    using Tag = memory::format_tag;
    memory::desc source({rows_, in_}, memory::data_type::f32, Tag::ab);
    memory::desc weight({in_, out_}, memory::data_type::f32, Tag::any);
    memory::desc target({rows_, out_}, memory::data_type::f32, Tag::ab);
    memory::desc bias =
        bias_ < 0 ? memory::desc() : memory::desc({1, out_}, memory::data_type::f32, Tag::ab);
    dnnl::primitive_attr attributes = planned_attributes();
    dnnl::post_ops post_ops;
    append_activation(post_ops, op.options.activation);
    residual_post_op_ = post_ops.len();
    if (residual_ >= 0) post_ops.append_binary(dnnl::algorithm::binary_add, target);
    attributes.set_post_ops(post_ops);
    dnnl::matmul::desc description = bias_ < 0 ? dnnl::matmul::desc(source, weight, target)
                                               : dnnl::matmul::desc(source, weight, bias, target);
    dnnl::matmul::primitive_desc primitive(description, attributes, onednn_engine());
    source_ = source;
    target_ = target;
    bias_desc_ = bias;
    weight_ = primitive.weights_desc();
    scratchpad_ = primitive.scratchpad_desc();
    stored_ = memory::desc({in_, out_}, memory::data_type::f32,
                           op.options.weight_in_by_out ? Tag::ab : Tag::ba);
    matmul_ = dnnl::matmul(primitive);
  }

  plan::NodeNeeds needs() const override {
    plan::NodeNeeds needs;
    needs.workspace_bytes = scratchpad_.get_size();
    bool as_stored = weight_ == stored_;
    needs.weights.push_back({.operand = 1,
                             .bytes = weight_.get_size(),
                             .staging_bytes = as_stored ? 0 : stored_.get_size(),
                             .form = "linear " + layout_text(weight_)});
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
        {DNNL_ARG_SCRATCHPAD, borrowed(scratchpad_, call.workspace)}};
    if (bias_ >= 0) arguments[DNNL_ARG_BIAS] = borrowed(bias_desc_, call.f32(bias_));
    for (std::int64_t n = 0; n < samples_; ++n) {
      arguments[DNNL_ARG_SRC] = borrowed(source_, call.f32(0) + n * rows_ * in_);
      arguments[DNNL_ARG_DST] = borrowed(target_, call.result() + n * rows_ * out_);
      if (residual_ >= 0) {
        arguments[DNNL_ARG_ATTR_MULTIPLE_POST_OP(residual_post_op_) | DNNL_ARG_SRC_1] =
            borrowed(target_, call.f32(residual_) + n * rows_ * out_);
      }
      matmul_.execute(onednn_stream(), arguments);
    }
  }

 private:
  std::int64_t samples_ = 1, rows_ = 0, in_ = 0, out_ = 0;
  int bias_, residual_, residual_post_op_ = 0;
  memory::desc source_, target_, bias_desc_, weight_, stored_, scratchpad_;
  dnnl::matmul matmul_;
};

Result<std::unique_ptr<Kernel>> make_linear(const KernelRequest& request) {
  return guarded(request, [&]() -> std::unique_ptr<Kernel> {
    return std::make_unique<LinearKernel>(dynamic_cast<const ir::LinearOp&>(request.op), request);
  });
}

const RegisterKernel kLinear("linear", make_linear);

}  // namespace
}  // namespace obscura::backend::cpu
