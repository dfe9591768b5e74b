#include "ir/free_u.h"

#include "backend/cuda/kernel.h"
#include "backend/cuda/kernels/free_u.h"
#include "backend/cuda/own_kernel.h"

namespace obscura::backend::cuda {
namespace {

FeatureMap feature_map(const KernelRequest& request) {
  const Shape& x = request.type(0).shape;
  return {.element = element_of(request.type(0).dtype),
          .samples = x[0],
          .height = x[1],
          .width = x[2],
          .channels = x[3]};
}

class LowFrequencyKernel final : public Kernel {
 public:
  explicit LowFrequencyKernel(const KernelRequest& request)
      : scale_(dynamic_cast<const ir::LowFrequencyOp&>(*request.op).scale),
        image_(feature_map(request)) {}

  plan::NodeNeeds needs() const override {
    return {.workspace_bytes = low_frequency_bytes(image_), .in_place_operand = 0};
  }

  Status run(const KernelCall& call) const override {
    return check(scale_low_frequencies(image_, call.input(0), scale_, call.output(), call.workspace,
                                       call.stream),
                 "low_frequency");
  }

 private:
  float scale_;
  FeatureMap image_;
};

class StrengthenKernel final : public Kernel {
 public:
  explicit StrengthenKernel(const KernelRequest& request)
      : scale_(dynamic_cast<const ir::StrengthenOp&>(*request.op).scale),
        by_mean_(dynamic_cast<const ir::StrengthenOp&>(*request.op).by_mean),
        image_(feature_map(request)) {}

  plan::NodeNeeds needs() const override {
    return {.workspace_bytes = by_mean_ ? strengthen_bytes(image_) : 0, .in_place_operand = 0};
  }

  Status run(const KernelCall& call) const override {
    return check(strengthen(image_, call.input(0), scale_, by_mean_, call.output(), call.workspace,
                            call.stream),
                 "strengthen");
  }

 private:
  float scale_;
  bool by_mean_;
  FeatureMap image_;
};

const RegisterKernel kLowFrequency("low_frequency", make<LowFrequencyKernel>);
const RegisterKernel kStrengthen("strengthen", make<StrengthenKernel>);

}  // namespace
}  // namespace obscura::backend::cuda
