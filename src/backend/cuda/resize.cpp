#include "ir/resize.h"

#include <optional>

#include "backend/cuda/host_kernel.h"
#include "backend/cuda/kernel.h"
#include "backend/cuda/kernels/bislerp.h"
#include "backend/cuda/kernels/resize.h"
#include "backend/cuda/own_kernel.h"

namespace obscura::backend::cuda {
namespace {

std::optional<Resampling> resampling_of(ResizeMethod method) {
  switch (method) {
    case ResizeMethod::kNearestExact:
      return Resampling::kNearest;
    case ResizeMethod::kBilinear:
      return Resampling::kBilinear;
    case ResizeMethod::kArea:
      return Resampling::kArea;
    case ResizeMethod::kBicubic:
      return Resampling::kBicubic;
    default:
      return std::nullopt;
  }
}

class ResizeKernel final : public Kernel {
 public:
  explicit ResizeKernel(const KernelRequest& request)
      : element_(element_of(request.output.dtype)),
        method_(*resampling_of(dynamic_cast<const ir::ResizeOp&>(*request.op).method)),
        x_(request.type(0).shape),
        y_(request.output.shape) {}

  Status run(const KernelCall& call) const override {
    return check(resize(element_, method_, call.input(0), call.output(), x_[0], x_[1], x_[2], y_[1],
                        y_[2], x_[3], call.stream),
                 "resize");
  }

 private:
  Element element_;
  Resampling method_;
  Shape x_, y_;
};

class BislerpKernel final : public Kernel {
 public:
  explicit BislerpKernel(const KernelRequest& request)
      : element_(element_of(request.output.dtype)),
        x_(request.type(0).shape),
        y_(request.output.shape) {}

  plan::NodeNeeds needs() const override {
    plan::NodeNeeds needs;
    needs.workspace_bytes = static_cast<std::size_t>(x_[0] * x_[1] * y_[2] * x_[3]) * sizeof(float);
    return needs;
  }

  Status run(const KernelCall& call) const override {
    return check(
        resize_bislerp(element_, call.input(0), static_cast<float*>(call.workspace), call.output(),
                       x_[0], x_[1], x_[2], y_[1], y_[2], x_[3], call.stream),
        "resize");
  }

 private:
  Element element_;
  Shape x_, y_;
};

Result<std::unique_ptr<Kernel>> make_resize(const KernelRequest& request) {
  const ResizeMethod method = dynamic_cast<const ir::ResizeOp&>(*request.op).method;
  if (method == ResizeMethod::kBislerp) return make<BislerpKernel>(request);
  // Lanczos rounds to 8 bits, as images have: no network asks for it.
  if (!resampling_of(method)) return make_host_kernel(request);
  return make<ResizeKernel>(request);
}

const RegisterKernel kResize("resize", make_resize);

}  // namespace
}  // namespace obscura::backend::cuda
