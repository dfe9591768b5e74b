// Activations, GEGLU, sums, joins and upsampling: bound by memory, split over threads by rows.
#include <algorithm>
#include <cstring>

#include "backend/cpu/kernel.h"
#include "backend/cpu/vector_math.h"
#include "base/parallel.h"
#include "ir/activation.h"
#include "ir/arithmetic.h"
#include "ir/conv2d.h"
#include "ir/shape_ops.h"

namespace obscura::backend::cpu {
namespace {

constexpr std::int64_t kBlock = 1 << 14;  // elements a task

OBSCURA_FOR_EACH_CPU void silu_block(const float* x, std::int64_t count, float* y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = fast_silu(x[i]);
}
OBSCURA_FOR_EACH_CPU void gelu_block(const float* x, std::int64_t count, float* y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = fast_gelu(x[i]);
}
OBSCURA_FOR_EACH_CPU void quick_gelu_block(const float* x, std::int64_t count, float* y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = fast_quick_gelu(x[i]);
}
OBSCURA_FOR_EACH_CPU void geglu_row(const float* x, std::int64_t width, float* y) {
  for (std::int64_t i = 0; i < width; ++i) y[i] = x[i] * fast_gelu(x[width + i]);
}
OBSCURA_FOR_EACH_CPU void add_block(const float* a, const float* b, std::int64_t count, float* y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = a[i] + b[i];
}

// Calls body(begin, count) for blocks that cover `total` elements.
template <class Body>
void for_blocks(std::int64_t total, const Body& body) {
  parallel_for((total + kBlock - 1) / kBlock, [&](std::int64_t block) {
    body(block * kBlock, std::min(kBlock, total - block * kBlock));
  });
}

class ActivationKernel final : public Kernel {
 public:
  explicit ActivationKernel(const KernelRequest& request)
      : count_(request.output.shape.elements()),
        activation_(dynamic_cast<const ir::ActivationOp&>(request.op).activation) {}

  plan::NodeNeeds needs() const override { return {.workspace_bytes = 0, .in_place_operand = 0}; }

  void run(const KernelCall& call) const override {
    for_blocks(count_, [&](std::int64_t begin, std::int64_t count) {
      const float* x = call.f32(0) + begin;
      float* y = call.result() + begin;
      switch (activation_) {
        case ir::Activation::kNone:
          std::copy_n(x, count, y);
          break;
        case ir::Activation::kSilu:
          silu_block(x, count, y);
          break;
        case ir::Activation::kGelu:
          gelu_block(x, count, y);
          break;
        case ir::Activation::kQuickGelu:
          quick_gelu_block(x, count, y);
          break;
        case ir::Activation::kRelu:
          for (std::int64_t i = 0; i < count; ++i) y[i] = x[i] > 0 ? x[i] : 0;
          break;
      }
    });
  }

 private:
  std::int64_t count_;
  ir::Activation activation_;
};

class GegluKernel final : public Kernel {
 public:
  explicit GegluKernel(const KernelRequest& request)
      : width_(request.output.shape[-1]), rows_(request.output.shape.elements() / width_) {}

  void run(const KernelCall& call) const override {
    parallel_for(rows_, [&](std::int64_t row) {
      geglu_row(call.f32(0) + row * 2 * width_, width_, call.result() + row * width_);
    });
  }

 private:
  std::int64_t width_, rows_;
};

class AddKernel final : public Kernel {
 public:
  explicit AddKernel(const KernelRequest& request) {
    const Shape &a = request.inputs[0].shape, &b = request.inputs[1].shape;
    bool per_channel = ir::AddOp::is_per_channel(a, b);
    period_ = per_channel ? a[3] : b.elements();
    repeats_ = a.elements() / period_;
    repeats_per_sample_ = per_channel ? a[1] * a[2] : repeats_;
  }

  plan::NodeNeeds needs() const override { return {.workspace_bytes = 0, .in_place_operand = 0}; }

  void run(const KernelCall& call) const override {
    if (repeats_ == 1) {
      for_blocks(period_, [&](std::int64_t begin, std::int64_t count) {
        add_block(call.f32(0) + begin, call.f32(1) + begin, count, call.result() + begin);
      });
      return;
    }
    parallel_for(repeats_, [&](std::int64_t i) {
      const float* b = call.f32(1) + i / repeats_per_sample_ * period_;
      add_block(call.f32(0) + i * period_, b, period_, call.result() + i * period_);
    });
  }

 private:
  std::int64_t period_ = 0, repeats_ = 1, repeats_per_sample_ = 1;
};

class ScaleKernel final : public Kernel {
 public:
  explicit ScaleKernel(const KernelRequest& request) : count_(request.output.shape.elements()) {}

  plan::NodeNeeds needs() const override { return {.workspace_bytes = 0, .in_place_operand = 0}; }

  void run(const KernelCall& call) const override {
    const float factor = call.f32(1)[0];
    for_blocks(count_, [&](std::int64_t begin, std::int64_t count) {
      const float* x = call.f32(0) + begin;
      float* y = call.result() + begin;
      for (std::int64_t i = 0; i < count; ++i) y[i] = x[i] * factor;
    });
  }

 private:
  std::int64_t count_;
};

class ConcatKernel final : public Kernel {
 public:
  explicit ConcatKernel(const KernelRequest& request)
      : a_(request.inputs[0].shape[-1]),
        b_(request.inputs[1].shape[-1]),
        rows_(request.output.shape.elements() / (a_ + b_)) {}

  void run(const KernelCall& call) const override {
    parallel_for(rows_, [&](std::int64_t row) {
      float* y = call.result() + row * (a_ + b_);
      std::memcpy(y, call.f32(0) + row * a_, static_cast<std::size_t>(a_) * sizeof(float));
      std::memcpy(y + a_, call.f32(1) + row * b_, static_cast<std::size_t>(b_) * sizeof(float));
    });
  }

 private:
  std::int64_t a_, b_, rows_;
};

template <class MadeKernel>
Result<std::unique_ptr<Kernel>> make(const KernelRequest& request) {
  return std::unique_ptr<Kernel>(std::make_unique<MadeKernel>(request));
}

const RegisterKernel kActivation("activation", make<ActivationKernel>);
const RegisterKernel kGeglu("geglu", make<GegluKernel>);
const RegisterKernel kAdd("add", make<AddKernel>);
const RegisterKernel kScale("scale", make<ScaleKernel>);
const RegisterKernel kConcat("concat", make<ConcatKernel>);

}  // namespace
}  // namespace obscura::backend::cpu
