// Activations, GEGLU, sums, casts and the timestep's sinusoids.
#include "backend/cuda/kernels/elementwise.h"

#include "backend/cuda/kernel.h"
#include "backend/cuda/kernels/auxiliary.h"
#include "backend/cuda/own_kernel.h"
#include "ir/activation.h"
#include "ir/arithmetic.h"
#include "ir/embedding.h"

namespace obscura::backend::cuda {
namespace {

class ActivationKernel final : public Kernel {
 public:
  explicit ActivationKernel(const KernelRequest& request)
      : element_(element_of(request.output.dtype)),
        activation_(dynamic_cast<const ir::ActivationOp&>(*request.op).activation),
        count_(request.output.shape.elements()) {}

  plan::NodeNeeds needs() const override { return {.workspace_bytes = 0, .in_place_operand = 0}; }

  Status run(const KernelCall& call) const override {
    return check(activate_into(element_, activation_, call.input(0), nullptr, call.output(), count_,
                               call.stream),
                 "activation");
  }

 private:
  Element element_;
  ir::Activation activation_;
  std::int64_t count_;
};

class GegluKernel final : public Kernel {
 public:
  explicit GegluKernel(const KernelRequest& request)
      : element_(element_of(request.output.dtype)),
        width_(request.output.shape[-1]),
        rows_(request.output.shape.elements() / width_) {}

  Status run(const KernelCall& call) const override {
    return check(geglu(element_, call.input(0), call.output(), rows_, width_, call.stream),
                 "geglu");
  }

 private:
  Element element_;
  std::int64_t width_, rows_;
};

class AddKernel final : public Kernel {
 public:
  explicit AddKernel(const KernelRequest& request) : element_(element_of(request.output.dtype)) {
    const Shape &a = request.type(0).shape, &b = request.type(1).shape;
    per_sample_ = ir::AddOp::is_per_channel(a, b);
    columns_ = per_sample_ ? a[3] : b.elements();
    samples_ = per_sample_ ? a[0] : 1;
    rows_ = a.elements() / (samples_ * columns_);
  }

  plan::NodeNeeds needs() const override { return {.workspace_bytes = 0, .in_place_operand = 0}; }

  Status run(const KernelCall& call) const override {
    return check(add(element_, call.input(0), call.input(1), call.output(), samples_, rows_,
                     columns_, per_sample_, call.stream),
                 "add");
  }

 private:
  Element element_;
  bool per_sample_;
  std::int64_t samples_, rows_, columns_;
};

class ScaleKernel final : public Kernel {
 public:
  explicit ScaleKernel(const KernelRequest& request)
      : element_(element_of(request.output.dtype)), count_(request.output.shape.elements()) {}

  plan::NodeNeeds needs() const override { return {.workspace_bytes = 0, .in_place_operand = 0}; }

  Status run(const KernelCall& call) const override {
    return check(scale(element_, call.input(0), static_cast<const float*>(call.input(1)),
                       call.output(), count_, call.stream),
                 "scale");
  }

 private:
  Element element_;
  std::int64_t count_;
};

// The factor is float32 in every precision.
Result<std::unique_ptr<Kernel>> make_scale(const KernelRequest& request) {
  return std::unique_ptr<Kernel>(std::make_unique<ScaleKernel>(request));
}

class CastKernel final : public Kernel {
 public:
  explicit CastKernel(const KernelRequest& request)
      : from_(request.type(0).dtype),
        to_(request.output.dtype),
        count_(request.output.shape.elements()) {}

  Status run(const KernelCall& call) const override {
    return check(convert(from_, call.input(0), to_, call.output(), count_, call.stream), "cast");
  }

 private:
  DType from_, to_;
  std::int64_t count_;
};

class SinusoidKernel final : public Kernel {
 public:
  explicit SinusoidKernel(const KernelRequest& request)
      : samples_(request.output.shape[0]),
        size_(dynamic_cast<const ir::SinusoidOp&>(*request.op).size) {}

  Status run(const KernelCall& call) const override {
    return check(sinusoid(static_cast<const float*>(call.input(0)),
                          static_cast<float*>(call.output()), samples_, size_, call.stream),
                 "sinusoid");
  }

 private:
  std::int64_t samples_;
  int size_;
};

const RegisterKernel kActivation("activation", make<ActivationKernel>);
const RegisterKernel kGeglu("geglu", make<GegluKernel>);
const RegisterKernel kAdd("add", make<AddKernel>);
const RegisterKernel kScale("scale", make_scale);
const RegisterKernel kCast("cast", make<CastKernel>);
const RegisterKernel kSinusoid("sinusoid", make<SinusoidKernel>);

}  // namespace
}  // namespace obscura::backend::cuda
