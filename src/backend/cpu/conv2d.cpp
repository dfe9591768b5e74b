// Convolution on oneDNN, channels last, sample by sample.
//
// Where the operand is normalised, upsampled or rounded to bfloat16 on the way in, the image is
// taken in strips of rows: a strip is written to a buffer that stays in cache, with the rows of
// padding above and below, and oneDNN convolves the buffer. Neither the normalised nor the
// upsampled image ever exists.
#include "ir/conv2d.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu/onednn.h"
#include "backend/cpu/precision.h"
#include "backend/cpu/vector_math.h"
#include "base/parallel.h"

namespace obscura::backend::cpu {
namespace {

using dnnl::memory;

// The strip is written and read again at once: it should stay in the cores' second-level caches.
constexpr std::int64_t kStripBytes = 4 << 20;

OBSCURA_FOR_EACH_CPU void scale_shift_row(const float* x, const float* scale, const float* shift,
                                          std::int64_t pixels, std::int64_t channels, float* y) {
  for (std::int64_t p = 0; p < pixels; ++p) {
    for (std::int64_t c = 0; c < channels; ++c)
      y[p * channels + c] = x[p * channels + c] * scale[c] + shift[c];
  }
}

OBSCURA_FOR_EACH_CPU void scale_shift_silu_row(const float* x, const float* scale,
                                               const float* shift, std::int64_t pixels,
                                               std::int64_t channels, float* y) {
  for (std::int64_t p = 0; p < pixels; ++p) {
    for (std::int64_t c = 0; c < channels; ++c) {
      y[p * channels + c] = fast_silu(x[p * channels + c] * scale[c] + shift[c]);
    }
  }
}

OBSCURA_FOR_EACH_CPU void scale_shift_row_bf16(const float* x, const float* scale,
                                               const float* shift, std::int64_t pixels,
                                               std::int64_t channels, std::uint16_t* y) {
  for (std::int64_t p = 0; p < pixels; ++p) {
    for (std::int64_t c = 0; c < channels; ++c)
      y[p * channels + c] = bf16_bits(x[p * channels + c] * scale[c] + shift[c]);
  }
}

OBSCURA_FOR_EACH_CPU void scale_shift_silu_row_bf16(const float* x, const float* scale,
                                                    const float* shift, std::int64_t pixels,
                                                    std::int64_t channels, std::uint16_t* y) {
  for (std::int64_t p = 0; p < pixels; ++p) {
    for (std::int64_t c = 0; c < channels; ++c) {
      y[p * channels + c] = bf16_bits(fast_silu(x[p * channels + c] * scale[c] + shift[c]));
    }
  }
}

class Conv2dKernel final : public Kernel {
 public:
  Conv2dKernel(const ir::Conv2dOp& op, const KernelRequest& request)
      : options_(op.options),
        bf16_(request.products == ir::Products::kBF16),
        bias_(op.bias_operand()),
        scale_shift_(op.scale_shift_operand()),
        channel_add_(op.channel_add_operand()),
        residual_(op.residual_operand()) {
    const Shape &x = request.inputs[0].shape, &w = request.inputs[1].shape,
                &y = request.output.shape;
    samples_ = x[0], height_ = x[1], width_ = x[2], in_ = x[3];
    out_height_ = y[1], out_width_ = y[2], out_ = y[3];
    kernel_height_ = w[2];
    in_strips_ = options_.normalised || options_.upsample || bf16_;
    source_width_ = width_ * (options_.upsample ? 2 : 1);
    rows_ = out_height_;
    if (in_strips_) {
      std::int64_t row_bytes =
          source_width_ * in_ * options_.stride * static_cast<std::int64_t>(element());
      std::int64_t most = std::max<std::int64_t>(kStripBytes / row_bytes, 4);
      // As few strips as that allows, of equal height.
      std::int64_t strips = (out_height_ + most - 1) / most;
      rows_ = (out_height_ + strips - 1) / strips;
    }
    strip_rows_ = in_strips_ ? (rows_ - 1) * options_.stride + kernel_height_ : height_;
    make_primitive(w);
  }

  plan::NodeNeeds needs() const override {
    plan::NodeNeeds needs;
    needs.workspace_bytes = strip_bytes() + bias_bytes() + scratchpad_.get_size();
    needs.weights.push_back(
        {.operand = 1,
         .bytes = weight_.get_size(),
         .staging_bytes = stored_.get_size(),
         .form = std::string(bf16_ ? "conv2d bf16 " : "conv2d ") + layout_text(weight_)});
    return needs;
  }

  void prepare(std::size_t, const float* plain, std::byte* prepared) const override {
    memory from = borrowed(stored_, plain), to = borrowed(weight_, prepared);
    dnnl::reorder(from, to).execute(onednn_stream(), from, to);
  }

  void run(const KernelCall& call) const override {
    std::byte* strip = call.workspace;
    auto* bias = reinterpret_cast<float*>(call.workspace + strip_bytes());
    std::byte* scratchpad = call.workspace + strip_bytes() + bias_bytes();
    for (std::int64_t n = 0; n < samples_; ++n) {
      add_up_bias(call, n, bias);
      // The last strip is moved up to end with the image: a few rows are computed twice, to the
      // same bits.
      for (std::int64_t row = 0; row < out_height_; row += rows_) {
        std::int64_t first = std::min(row, out_height_ - rows_);
        const void* source = call.f32(0) + n * height_ * width_ * in_;
        if (in_strips_) {
          fill_strip(call, n, first * options_.stride - options_.padding.top, strip);
          source = strip;
        }
        std::int64_t target = ((n * out_height_ + first) * out_width_) * out_;
        std::unordered_map<int, memory> arguments = {
            {DNNL_ARG_SRC, borrowed(source_, source)},
            {DNNL_ARG_WEIGHTS, borrowed(weight_, call.f32(1))},
            {DNNL_ARG_BIAS, borrowed(bias_desc_, bias)},
            {DNNL_ARG_DST, borrowed(target_, call.result() + target)},
            {DNNL_ARG_SCRATCHPAD, borrowed(scratchpad_, scratchpad)}};
        if (residual_ >= 0) {
          arguments[DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1] =
              borrowed(target_, call.f32(residual_) + target);
        }
        convolution_.execute(onednn_stream(), arguments);
      }
    }
  }

 private:
  void make_primitive(const Shape& w) {
    using Tag = memory::format_tag;
    constexpr auto kF32 = memory::data_type::f32;
    const ir::Padding& padding = options_.padding;
    auto operand = bf16_ ? memory::data_type::bf16 : kF32;
    source_ = memory::desc({1, in_, strip_rows_, source_width_}, operand, Tag::nhwc);
    target_ = memory::desc({1, out_, rows_, out_width_}, kF32, Tag::nhwc);
    stored_ = memory::desc({out_, in_, w[2], w[3]}, kF32, Tag::oihw);
    bias_desc_ = memory::desc({out_}, kF32, Tag::a);
    dnnl::primitive_attr attributes = planned_attributes();
    if (residual_ >= 0) {
      dnnl::post_ops post_ops;
      post_ops.append_binary(dnnl::algorithm::binary_add, target_);
      attributes.set_post_ops(post_ops);
    }
    memory::dims before = {in_strips_ ? 0 : padding.top, padding.left};
    // oneDNN derives nothing: what is below and to the right must make the sizes add up.
    std::int64_t below = (rows_ - 1) * options_.stride + w[2] - strip_rows_ - before[0];
    std::int64_t right = (out_width_ - 1) * options_.stride + w[3] - source_width_ - before[1];
    dnnl::convolution_forward::primitive_desc primitive =
        convolution({.source = source_,
                     .weight = memory::desc({out_, in_, w[2], w[3]}, operand, Tag::any),
                     .bias = bias_desc_,
                     .target = target_,
                     .strides = {options_.stride, options_.stride},
                     .padding_before = before,
                     .padding_after = {below, right}},
                    attributes);
    weight_ = primitive.weights_desc();
    scratchpad_ = primitive.scratchpad_desc();
    convolution_ = dnnl::convolution_forward(primitive);
  }

  std::size_t element() const { return bf16_ ? sizeof(std::uint16_t) : sizeof(float); }
  std::size_t strip_bytes() const {
    return in_strips_ ? plan::aligned(static_cast<std::size_t>(strip_rows_ * source_width_ * in_) *
                                      element())
                      : 0;
  }
  std::size_t bias_bytes() const {
    return plan::aligned(static_cast<std::size_t>(out_) * sizeof(float));
  }

  void add_up_bias(const KernelCall& call, std::int64_t n, float* bias) const {
    const float *stored = call.optional(bias_), *added = call.optional(channel_add_);
    for (std::int64_t o = 0; o < out_; ++o) {
      bias[o] =
          (stored != nullptr ? stored[o] : 0.0f) + (added != nullptr ? added[n * out_ + o] : 0.0f);
    }
  }

  // Rows first … first + strip_rows_ - 1 of the normalised, upsampled image; zeros outside of it.
  void fill_strip(const KernelCall& call, std::int64_t n, std::int64_t first,
                  std::byte* strip) const {
    const float* x = call.f32(0) + n * height_ * width_ * in_;
    const float* scale = options_.normalised ? call.f32(scale_shift_) + n * 2 * in_ : nullptr;
    auto row_bytes = static_cast<std::size_t>(source_width_ * in_) * element();
    int step = options_.upsample ? 2 : 1;
    parallel_for(strip_rows_, [&](std::int64_t i) {
      std::int64_t row = first + i;
      std::byte* target = strip + static_cast<std::size_t>(i) * row_bytes;
      if (row < 0 || row >= height_ * step) {
        std::memset(target, 0, row_bytes);
        return;
      }
      const float* source = x + row / step * width_ * in_;
      // An upsampled row is built at the end of its place and then spread out from the front: the
      // writes stay behind.
      std::byte* narrow = options_.upsample ? target + row_bytes / 2 : target;
      if (bf16_) {
        fill_row(source, scale, reinterpret_cast<std::uint16_t*>(narrow));
      } else {
        fill_row(source, scale, reinterpret_cast<float*>(narrow));
      }
      if (options_.upsample) spread(narrow, target);
    });
  }

  void fill_row(const float* source, const float* scale, float* y) const {
    if (scale == nullptr) {
      std::memcpy(y, source, static_cast<std::size_t>(width_ * in_) * sizeof(float));
    } else if (options_.normalised_silu) {
      scale_shift_silu_row(source, scale, scale + in_, width_, in_, y);
    } else {
      scale_shift_row(source, scale, scale + in_, width_, in_, y);
    }
  }

  void fill_row(const float* source, const float* scale, std::uint16_t* y) const {
    if (scale == nullptr) {
      round_to_bf16(source, width_ * in_, y);
    } else if (options_.normalised_silu) {
      scale_shift_silu_row_bf16(source, scale, scale + in_, width_, in_, y);
    } else {
      scale_shift_row_bf16(source, scale, scale + in_, width_, in_, y);
    }
  }

  void spread(const std::byte* narrow, std::byte* wide) const {
    std::size_t pixel = static_cast<std::size_t>(in_) * element();
    for (std::size_t column = 0; column < static_cast<std::size_t>(width_); ++column) {
      std::memmove(wide + 2 * column * pixel, narrow + column * pixel, pixel);
      std::memmove(wide + (2 * column + 1) * pixel, wide + 2 * column * pixel, pixel);
    }
  }

  const ir::Conv2dOp::Options options_;
  const bool bf16_;
  const int bias_, scale_shift_, channel_add_, residual_;
  std::int64_t samples_ = 1, height_ = 0, width_ = 0, in_ = 0, out_height_ = 0, out_width_ = 0,
               out_ = 0;
  std::int64_t kernel_height_ = 0, source_width_ = 0, rows_ = 0, strip_rows_ = 0;
  bool in_strips_ = false;
  memory::desc source_, target_, bias_desc_, weight_, stored_, scratchpad_;
  dnnl::convolution_forward convolution_;
};

Result<std::unique_ptr<Kernel>> make_conv2d(const KernelRequest& request) {
  return guarded(request, [&]() -> std::unique_ptr<Kernel> {
    return std::make_unique<Conv2dKernel>(dynamic_cast<const ir::Conv2dOp&>(request.op), request);
  });
}

const RegisterKernel kConv2d("conv2d", make_conv2d);

}  // namespace
}  // namespace obscura::backend::cpu
