// Group normalisation and its statistics.
#include "ir/group_norm.h"

#include "backend/cuda/kernels/group_norm.h"

#include "backend/cuda/kernel.h"
#include "backend/cuda/own_kernel.h"

namespace obscura::backend::cuda {
namespace {

Groups groups_of(const KernelRequest& request, std::int64_t groups) {
  const Shape& x = request.type(0).shape;
  return {.element = element_of(request.type(0).dtype),
          .samples = x[0],
          .pixels = x[1] * x[2],
          .channels = static_cast<int>(x[3]),
          .groups = static_cast<int>(groups)};
}

class GroupNormKernel final : public Kernel {
 public:
  explicit GroupNormKernel(const KernelRequest& request)
      : options_(dynamic_cast<const ir::GroupNormOp&>(*request.op).options),
        image_(groups_of(request, options_.groups)) {}

  plan::NodeNeeds needs() const override {
    return {.workspace_bytes = moments_bytes(image_), .in_place_operand = 0};
  }

  Status run(const KernelCall& call) const override {
    return check(group_norm(image_, call.input(0), call.input(1), call.input(2), options_.eps,
                            options_.silu, call.output(), call.workspace, call.stream),
                 "group_norm");
  }

 private:
  ir::GroupNormOp::Options options_;
  Groups image_;
};

class GroupStatsKernel final : public Kernel {
 public:
  explicit GroupStatsKernel(const KernelRequest& request)
      : op_(dynamic_cast<const ir::GroupStatsOp&>(*request.op)),
        image_(groups_of(request, op_.groups)) {}

  plan::NodeNeeds needs() const override { return {.workspace_bytes = moments_bytes(image_)}; }

  Status run(const KernelCall& call) const override {
    return check(group_stats(image_, call.input(0), call.input(1), call.input(2), op_.eps,
                             static_cast<float*>(call.output()), call.workspace, call.stream),
                 "group_stats");
  }

 private:
  ir::GroupStatsOp op_;
  Groups image_;
};

// A channel is a group of one.
class ChannelMomentsKernel final : public Kernel {
 public:
  explicit ChannelMomentsKernel(const KernelRequest& request)
      : image_(groups_of(request, request.type(0).shape[3])) {}

  plan::NodeNeeds needs() const override { return {.workspace_bytes = moments_bytes(image_)}; }

  Status run(const KernelCall& call) const override {
    return check(group_moments(image_, call.input(0), static_cast<float*>(call.output()),
                               call.workspace, call.stream),
                 "channel_moments");
  }

 private:
  Groups image_;
};

const RegisterKernel kGroupNorm("group_norm", make<GroupNormKernel>);
const RegisterKernel kGroupStats("group_stats", make<GroupStatsKernel>);
const RegisterKernel kChannelMoments("channel_moments", make<ChannelMomentsKernel>);

}  // namespace
}  // namespace obscura::backend::cuda
