#include "backend/cuda/lowered.h"

#include <cstring>
#include <utility>
#include <vector>

#include "backend/cuda/element.h"
#include "backend/cuda/kernel.h"
#include "backend/cuda/kernels/auxiliary.h"
#include "backend/cuda/memory.h"
#include "backend/cuda/replay.h"
#include "backend/cuda/status.h"
#include "backend/cuda/timing.h"
#include "backend/cuda/weight_upload.h"
#include "backend/kernel_table.h"

namespace obscura::backend::cuda {
namespace {

cudaMemcpyKind kind_of(Lowered::Way way) {
  switch (way) {
    case Lowered::Way::kToDevice:
      return cudaMemcpyHostToDevice;
    case Lowered::Way::kToHost:
      return cudaMemcpyDeviceToHost;
    case Lowered::Way::kOnDevice:
      return cudaMemcpyDeviceToDevice;
  }
  return cudaMemcpyDefault;
}

class CudaLowered final : public Lowered {
 public:
  CudaLowered(std::string name, std::shared_ptr<Context> context, NodeKernels<Kernel> nodes)
      : name_(std::move(name)),
        context_(std::move(context)),
        kernels_(std::move(nodes.kernels)),
        needs_(std::move(nodes.needs)) {}
  ~CudaLowered() override {
    for (cudaEvent_t event : events_) cudaEventDestroy(event);
  }

  const std::vector<plan::NodeNeeds>& needs() const override { return needs_; }
  plan::Layout layout() const override {
    // One allocation for all weights: the device gives memory out in pieces of megabytes, and most
    // weights are smaller.
    return {.holds_inputs_and_outputs = true,
            .prefetches = true,
            .keeps_steady = true,
            .weight_piece_bytes = 0};
  }
  bool computes_at_once() const override { return false; }

  Status open() override;
  void close() override;
  Status begin() override { return check(cudaSetDevice(context_->ordinal), "choosing the device"); }
  Status wait() override;

  Result<MemoryPtr> allocate_host(std::size_t bytes) override {
    OBSCURA_ASSIGN(PinnedMemory memory, PinnedMemory::allocate(bytes));
    return MemoryPtr(std::make_shared<OwnedMemory<PinnedMemory>>(std::move(memory)));
  }
  std::unique_ptr<WeightFeed> feed(WeightReader& reader) override {
    return std::make_unique<WeightUpload>(*context_, reader);
  }
  Status prepare(std::size_t node, std::size_t operand, const std::byte* plain,
                 std::byte* prepared) override {
    return kernels_[node]->prepare(operand, plain, prepared, context_->compute);
  }
  Status copy(std::byte* target, const std::byte* source, std::size_t bytes, Way way) override {
    return check(cudaMemcpyAsync(target, source, bytes, kind_of(way), context_->compute),
                 name_ + ": copying");
  }
  Status run(std::size_t node, const Call& call) override {
    return kernels_[node]->run({call.inputs, call.outputs, call.workspace, context_->compute});
  }

  Status fetch(std::size_t node, std::size_t at, std::span<const Fetch> weights) override;
  Status await(std::size_t node) override;

  Status replay(Stretch stretch, const std::function<Status()>& put) override {
    return (stretch == Stretch::kSteady ? steady_ : main_).run(*context_, name_, put);
  }
  void forget_replays() override {
    steady_.forget();
    main_.forget();
  }

  Status look_for_non_finite(const ir::ValueType& type, const std::byte* data) override;
  Result<bool> all_finite() override;
  Result<double> time(const std::function<Status()>& before,
                      const std::function<Status()>& put) override;

 private:
  Result<cudaEvent_t> event(std::size_t index);

  std::string name_;  // of the graph
  std::shared_ptr<Context> context_;
  std::vector<std::shared_ptr<const Kernel>> kernels_;
  std::vector<plan::NodeNeeds> needs_;
  Replay steady_, main_;
  std::vector<cudaEvent_t> events_;
  // The device's word for a number that is not finite, and the host's copy.
  DeviceMemory flag_;
  PinnedMemory host_flag_;
  bool looking_ = false;  // the flag was cleared, and may have been set since
};

Status CudaLowered::open() {
  OBSCURA_ASSIGN(flag_, DeviceMemory::allocate(sizeof(std::int32_t)));
  OBSCURA_ASSIGN(host_flag_, PinnedMemory::allocate(sizeof(std::int32_t)));
  looking_ = false;
  return {};
}

void CudaLowered::close() {
  forget_replays();
  flag_ = DeviceMemory();
  host_flag_ = PinnedMemory();
}

Status CudaLowered::wait() {
  Status computed = check(cudaStreamSynchronize(context_->compute), name_);
  Status copied = check(cudaStreamSynchronize(context_->copy), name_);
  return computed.ok() ? copied : computed;
}

Result<cudaEvent_t> CudaLowered::event(std::size_t index) {
  while (events_.size() <= index) {
    cudaEvent_t made = nullptr;
    OBSCURA_TRY(check(cudaEventCreateWithFlags(&made, cudaEventDisableTiming), "making an event"));
    events_.push_back(made);
  }
  return events_[index];
}

Status CudaLowered::fetch(std::size_t node, std::size_t at, std::span<const Fetch> weights) {
  OBSCURA_ASSIGN(cudaEvent_t free, event(2 * at));
  OBSCURA_ASSIGN(cudaEvent_t arrived, event(2 * node + 1));
  OBSCURA_TRY(check(cudaEventRecord(free, context_->compute), "streaming weights"));
  OBSCURA_TRY(check(cudaStreamWaitEvent(context_->copy, free, 0), "streaming weights"));
  for (const Fetch& weight : weights) {
    OBSCURA_TRY(check(cudaMemcpyAsync(weight.target, weight.source, weight.bytes,
                                      cudaMemcpyHostToDevice, context_->copy),
                      "streaming weights"));
  }
  return check(cudaEventRecord(arrived, context_->copy), "streaming weights");
}

Status CudaLowered::await(std::size_t node) {
  OBSCURA_ASSIGN(cudaEvent_t arrived, event(2 * node + 1));
  return check(cudaStreamWaitEvent(context_->compute, arrived, 0), "waiting for weights");
}

Status CudaLowered::look_for_non_finite(const ir::ValueType& type, const std::byte* data) {
  if (!is_floating(type.dtype)) return {};
  if (!looking_)
    OBSCURA_TRY(check(cudaMemsetAsync(flag_.data(), 0, flag_.bytes(), context_->compute),
                      "looking for a NaN"));
  looking_ = true;
  return check(find_non_finite(element_of(type.dtype), data, type.shape.elements(),
                               reinterpret_cast<std::int32_t*>(flag_.data()), context_->compute),
               "looking for a NaN");
}

Result<bool> CudaLowered::all_finite() {
  const bool looked = std::exchange(looking_, false);
  if (looked)
    OBSCURA_TRY(check(cudaMemcpyAsync(host_flag_.data(), flag_.data(), sizeof(std::int32_t),
                                      cudaMemcpyDeviceToHost, context_->compute),
                      "looking for a NaN"));
  OBSCURA_TRY(check(cudaStreamSynchronize(context_->compute), name_));
  std::int32_t flag = 0;
  if (looked) std::memcpy(&flag, host_flag_.data(), sizeof flag);
  return flag == 0;
}

Result<double> CudaLowered::time(const std::function<Status()>& before,
                                 const std::function<Status()>& put) {
  // Often enough that launching one while the other runs hides the launch.
  constexpr int kRepeats = 8;
  OBSCURA_TRY(before());
  OBSCURA_ASSIGN(Stopwatch watch, Stopwatch::create(context_->compute));
  OBSCURA_TRY(watch.start());
  for (int i = 0; i < kRepeats; ++i) OBSCURA_TRY(put());
  OBSCURA_ASSIGN(float milliseconds, watch.stop());
  return static_cast<double>(milliseconds) * 1e-3 / kRepeats;
}

}  // namespace

Result<MemoryPtr> allocate(std::size_t bytes) {
  OBSCURA_ASSIGN(DeviceMemory memory, DeviceMemory::allocate(bytes));
  return MemoryPtr(std::make_shared<OwnedMemory<DeviceMemory>>(std::move(memory)));
}

Result<std::unique_ptr<Lowered>> lower(const ir::Graph& graph, std::shared_ptr<Context> context) {
  OBSCURA_ASSIGN(
      auto nodes, find_kernels<Kernel>(graph, [&](const ir::Node& node, const auto& types,
                                                  const auto& results) {
        return KernelRequest{*context, node.op, types, results[0], results, node.products};
      }));
  // Weights share allocations, in aligned places: the plan counts what they take.
  for (plan::NodeNeeds& needs : nodes.needs)
    for (plan::WeightNeed& need : needs.weights) need.bytes = plan::aligned(need.bytes);
  return std::unique_ptr<Lowered>(
      std::make_unique<CudaLowered>(graph.name, std::move(context), std::move(nodes)));
}

}  // namespace obscura::backend::cuda
