#include "ir/layer_norm.h"

#include <algorithm>
#include <cmath>

#include "backend/cpu/kernel.h"
#include "backend/cpu/vector_math.h"
#include "base/parallel.h"

namespace obscura::backend::cpu {
namespace {

// Sixteen running sums, so that the order of addition is the same whatever the width of the CPU's
// registers.
constexpr int kLanes = 16;

OBSCURA_FOR_EACH_CPU void normalise_row(const float* x, const float* gamma, const float* beta,
                                        std::int64_t width, float eps, float* y) {
  float lanes[kLanes] = {};
  std::int64_t whole = width / kLanes * kLanes;
  for (std::int64_t i = 0; i < whole; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += x[i + lane];
  }
  double sum = 0;
  for (float lane : lanes) sum += lane;
  for (std::int64_t i = whole; i < width; ++i) sum += x[i];
  float mean = static_cast<float>(sum / static_cast<double>(width));

  std::fill_n(lanes, kLanes, 0.0f);
  for (std::int64_t i = 0; i < whole; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      float d = x[i + lane] - mean;
      lanes[lane] += d * d;
    }
  }
  double squares = 0;
  for (float lane : lanes) squares += lane;
  for (std::int64_t i = whole; i < width; ++i) squares += (x[i] - mean) * (x[i] - mean);
  float inverse = static_cast<float>(1 / std::sqrt(squares / static_cast<double>(width) + eps));
  for (std::int64_t i = 0; i < width; ++i) y[i] = (x[i] - mean) * inverse * gamma[i] + beta[i];
}

class LayerNormKernel final : public Kernel {
 public:
  explicit LayerNormKernel(const KernelRequest& request)
      : width_(request.output.shape[-1]), rows_(request.output.shape.elements() / width_) {
    eps_ = dynamic_cast<const ir::LayerNormOp&>(request.op).eps;
  }

  plan::NodeNeeds needs() const override { return {.workspace_bytes = 0, .in_place_operand = 0}; }

  void run(const KernelCall& call) const override {
    parallel_for(rows_, [&](std::int64_t row) {
      normalise_row(call.f32(0) + row * width_, call.f32(1), call.f32(2), width_, eps_,
                    call.result() + row * width_);
    });
  }

 private:
  std::int64_t width_, rows_;
  float eps_ = 0;
};

const RegisterKernel kLayerNorm(
    "layer_norm", [](const KernelRequest& request) -> Result<std::unique_ptr<Kernel>> {
      return std::unique_ptr<Kernel>(std::make_unique<LayerNormKernel>(request));
    });

}  // namespace
}  // namespace obscura::backend::cpu
