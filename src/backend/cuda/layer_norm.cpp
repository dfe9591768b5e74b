#include "ir/layer_norm.h"

#include "backend/cuda/kernel.h"
#include "backend/cuda/kernels/layer_norm.h"
#include "backend/cuda/own_kernel.h"

namespace obscura::backend::cuda {
namespace {

class LayerNormKernel final : public Kernel {
 public:
  explicit LayerNormKernel(const KernelRequest& request)
      : element_(element_of(request.output.dtype)),
        width_(request.output.shape[-1]),
        rows_(request.output.shape.elements() / width_),
        eps_(dynamic_cast<const ir::LayerNormOp&>(*request.op).eps) {}

  plan::NodeNeeds needs() const override { return {.workspace_bytes = 0, .in_place_operand = 0}; }

  Status run(const KernelCall& call) const override {
    return check(layer_norm(element_, call.input(0), call.input(1), call.input(2), eps_,
                            call.output(), rows_, width_, call.stream),
                 "layer_norm");
  }

 private:
  Element element_;
  std::int64_t width_, rows_;
  float eps_;
};

const RegisterKernel kLayerNorm("layer_norm", make<LayerNormKernel>);

}  // namespace
}  // namespace obscura::backend::cuda
