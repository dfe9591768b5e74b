#include "backend/cpu/int8_linear.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "backend/cpu/onednn.h"
#include "backend/cpu/precision.h"
#include "backend/cpu/vector_math.h"
#include "base/parallel.h"
#include "ir/linear.h"

namespace obscura::backend::cpu {
namespace {

using dnnl::memory;

// y = sums * (row_scale * scales[o]) + bias[o]
OBSCURA_FOR_EACH_CPU void dequantise_row(const std::int32_t* sums, float row_scale,
                                         const float* scales, const float* bias, std::int64_t count,
                                         float* y) {
  for (std::int64_t o = 0; o < count; ++o)
    y[o] = static_cast<float>(sums[o]) * (row_scale * scales[o]) + bias[o];
}

OBSCURA_FOR_EACH_CPU void silu_row(float* x, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) x[i] = fast_silu(x[i]);
}
OBSCURA_FOR_EACH_CPU void gelu_row(float* x, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) x[i] = fast_gelu(x[i]);
}
OBSCURA_FOR_EACH_CPU void quick_gelu_row(float* x, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) x[i] = fast_quick_gelu(x[i]);
}
OBSCURA_FOR_EACH_CPU void relu_row(float* x, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) x[i] = x[i] > 0 ? x[i] : 0;
}
OBSCURA_FOR_EACH_CPU void add_row(const float* residual, std::int64_t count, float* y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] += residual[i];
}

void activate_row(ir::Activation activation, float* x, std::int64_t count) {
  switch (activation) {
    case ir::Activation::kNone:
      break;
    case ir::Activation::kSilu:
      return silu_row(x, count);
    case ir::Activation::kGelu:
      return gelu_row(x, count);
    case ir::Activation::kQuickGelu:
      return quick_gelu_row(x, count);
    case ir::Activation::kRelu:
      return relu_row(x, count);
  }
}

class Int8Linear final : public Kernel {
 public:
  Int8Linear(const ir::LinearOp& op, const KernelRequest& request)
      : op_(op.options), in_(request.inputs[0].shape[-1]), out_(request.output.shape[-1]) {
    using Tag = memory::format_tag;
    samples_ = request.inputs[0].shape[0];
    rows_ = request.output.shape.elements() / out_ / samples_;
    source_ = memory::desc({rows_, in_}, memory::data_type::s8, Tag::ab);
    sums_ = memory::desc({rows_, out_}, memory::data_type::s32, Tag::ab);
    memory::desc weight({in_, out_}, memory::data_type::s8, Tag::any);
    dnnl::matmul::primitive_desc primitive = product(source_, weight, sums_);
    weight_ = primitive.weights_desc();
    scratchpad_ = primitive.scratchpad_desc();
    matmul_ = dnnl::matmul(primitive);
  }

  // The weight in oneDNN's layout, then a scale for each output channel.
  plan::NodeNeeds needs() const override {
    plan::NodeNeeds needs;
    needs.workspace_bytes =
        quantised_bytes() + scales_bytes() + sums_bytes() + bias_bytes() + scratchpad_.get_size();
    needs.weights.push_back(
        {.operand = 1,
         .bytes = weight_bytes() + static_cast<std::size_t>(out_) * sizeof(float),
         .staging_bytes = static_cast<std::size_t>(in_ * out_) * sizeof(float),
         .form = "linear int8 " + layout_text(weight_)});
    return needs;
  }

  void prepare(std::size_t, const float* plain, std::byte* prepared) const override {
    auto* scales = reinterpret_cast<float*>(prepared + weight_bytes());
    std::vector<std::int8_t> quantised(static_cast<std::size_t>(in_ * out_));
    parallel_for(out_, [&](std::int64_t o) {
      std::int8_t* row = quantised.data() + o * in_;
      if (!op_.options.weight_in_by_out) return quantise_row(plain + o * in_, in_, row, scales + o);
      std::vector<float> column(static_cast<std::size_t>(in_));
      for (std::int64_t i = 0; i < in_; ++i)
        column[static_cast<std::size_t>(i)] = plain[i * out_ + o];
      quantise_row(column.data(), in_, row, scales + o);
    });
    memory::desc rows({in_, out_}, memory::data_type::s8, memory::format_tag::ba);
    memory from = borrowed(rows, quantised.data()), to = borrowed(weight_, prepared);
    dnnl::reorder(from, to).execute(onednn_stream(), from, to);
  }

  void run(const KernelCall& call) const override {
    auto* quantised = reinterpret_cast<std::int8_t*>(call.workspace);
    auto* row_scales = reinterpret_cast<float*>(call.workspace + quantised_bytes());
    auto* sums =
        reinterpret_cast<std::int32_t*>(call.workspace + quantised_bytes() + scales_bytes());
    auto* bias = reinterpret_cast<float*>(call.workspace + quantised_bytes() + scales_bytes() +
                                          sums_bytes());
    std::byte* scratchpad = reinterpret_cast<std::byte*>(bias) + bias_bytes();
    const auto* weight = static_cast<const std::byte*>(call.inputs[1]);
    const auto* scales = reinterpret_cast<const float*>(weight + weight_bytes());
    const float *stored_bias = call.optional(op_.bias_operand()),
                *residual = call.optional(op_.residual_operand());
    if (stored_bias == nullptr) std::fill_n(bias, out_, 0.0f);
    const float* added = stored_bias == nullptr ? bias : stored_bias;
    for (std::int64_t n = 0; n < samples_; ++n) {
      const float* x = call.f32(0) + n * rows_ * in_;
      float* y = call.result() + n * rows_ * out_;
      parallel_for(rows_, [&](std::int64_t row) {
        quantise_row(x + row * in_, in_, quantised + row * in_, row_scales + row);
      });
      matmul_.execute(onednn_stream(), {{DNNL_ARG_SRC, borrowed(source_, quantised)},
                                        {DNNL_ARG_WEIGHTS, borrowed(weight_, weight)},
                                        {DNNL_ARG_DST, borrowed(sums_, sums)},
                                        {DNNL_ARG_SCRATCHPAD, borrowed(scratchpad_, scratchpad)}});
      parallel_for(rows_, [&](std::int64_t row) {
        float* target = y + row * out_;
        dequantise_row(sums + row * out_, row_scales[row], scales, added, out_, target);
        activate_row(op_.options.activation, target, out_);
        if (residual != nullptr) add_row(residual + (n * rows_ + row) * out_, out_, target);
      });
    }
  }

 private:
  std::size_t weight_bytes() const { return plan::aligned(weight_.get_size()); }
  std::size_t quantised_bytes() const { return plan::aligned(source_.get_size()); }
  std::size_t scales_bytes() const {
    return plan::aligned(static_cast<std::size_t>(rows_) * sizeof(float));
  }
  std::size_t sums_bytes() const { return plan::aligned(sums_.get_size()); }
  std::size_t bias_bytes() const {
    return plan::aligned(static_cast<std::size_t>(out_) * sizeof(float));
  }

  ir::LinearOp op_;
  std::int64_t in_, out_, samples_ = 1, rows_ = 0;
  memory::desc source_, sums_, weight_, scratchpad_;
  dnnl::matmul matmul_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> make_int8_linear(const KernelRequest& request) {
  return guarded(request, [&]() -> std::unique_ptr<Kernel> {
    return std::make_unique<Int8Linear>(dynamic_cast<const ir::LinearOp&>(request.op), request);
  });
}

}  // namespace obscura::backend::cpu
