#include "backend/cpu/lowered.h"

#include <chrono>
#include <cstring>
#include <utility>
#include <vector>

#include "backend/cpu/kernel.h"
#include "backend/cpu/memory.h"
#include "backend/kernel_table.h"
#include "base/check.h"
#include "plan/plan.h"

namespace obscura::backend::cpu {
namespace {

bool all_finite(const float* values, std::int64_t count) {
  // x * 0 is 0 for finite x and NaN otherwise: one pass without a branch.
  float probe = 0;
  for (std::int64_t i = 0; i < count; ++i) probe += values[i] * 0.0f;
  return probe == 0;
}

// Widens straight into place.
class Feed final : public WeightFeed {
 public:
  explicit Feed(WeightReader& reader) : reader_(reader) {}
  std::size_t scratch_bytes(const ir::Value&) override { return 0; }
  Status read(const ir::Value& weight, std::byte* target, std::byte*) override {
    return reader_.read(*weight.weight, reinterpret_cast<float*>(target));
  }

 private:
  WeightReader& reader_;
};

class CpuLowered final : public Lowered {
 public:
  explicit CpuLowered(NodeKernels<Kernel> nodes)
      : kernels_(std::move(nodes.kernels)), needs_(std::move(nodes.needs)) {}

  const std::vector<plan::NodeNeeds>& needs() const override { return needs_; }
  plan::Layout layout() const override {
    // Each weight by itself: the system's pages are small, and are free the moment one is let go.
    return {.keeps_steady = true, .weight_piece_bytes = 1};
  }
  bool computes_at_once() const override { return true; }

  Status open() override { return {}; }
  void close() override {}
  Status begin() override { return {}; }
  Status wait() override { return {}; }

  Result<MemoryPtr> allocate_host(std::size_t bytes) override { return allocate(bytes); }
  std::unique_ptr<WeightFeed> feed(WeightReader& reader) override {
    return std::make_unique<Feed>(reader);
  }
  Status prepare(std::size_t node, std::size_t operand, const std::byte* plain,
                 std::byte* prepared) override {
    kernels_[node]->prepare(operand, reinterpret_cast<const float*>(plain), prepared);
    return {};
  }
  Status copy(std::byte* target, const std::byte* source, std::size_t bytes, Way) override {
    std::memcpy(target, source, bytes);
    return {};
  }
  Status run(std::size_t node, const Call& call) override {
    kernels_[node]->run({call.inputs, call.outputs, call.workspace});
    return {};
  }

  Status fetch(std::size_t, std::size_t, std::span<const Fetch>) override { return no_fetch(); }
  Status await(std::size_t) override { return no_fetch(); }
  Status replay(Stretch, const std::function<Status()>& put) override { return put(); }
  void forget_replays() override {}

  Status look_for_non_finite(const ir::ValueType& type, const std::byte* data) override {
    finite_ =
        finite_ && (type.dtype != DType::kF32 ||
                    cpu::all_finite(reinterpret_cast<const float*>(data), type.shape.elements()));
    return {};
  }
  Result<bool> all_finite() override { return std::exchange(finite_, true); }

  Result<double> time(const std::function<Status()>& before,
                      const std::function<Status()>&) override {
    const auto begin = std::chrono::steady_clock::now();
    OBSCURA_TRY(before());
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

 private:
  static Status no_fetch() {
    OBSCURA_CHECK(false, "the CPU prepares streamed weights where they are used");
  }

  std::vector<std::shared_ptr<const Kernel>> kernels_;
  std::vector<plan::NodeNeeds> needs_;
  bool finite_ = true;
};

}  // namespace

Result<MemoryPtr> allocate(std::size_t bytes) {
  OBSCURA_ASSIGN(Pages pages, Pages::allocate(bytes));
  return MemoryPtr(std::make_shared<OwnedMemory<Pages>>(std::move(pages)));
}

Result<std::unique_ptr<Lowered>> lower(const ir::Graph& graph) {
  OBSCURA_ASSIGN(auto nodes, find_kernels<Kernel>(graph, [](const ir::Node& node, const auto& types,
                                                            const auto& results) {
                   return KernelRequest{*node.op, types, results[0], results, node.products};
                 }));
  return std::unique_ptr<Lowered>(std::make_unique<CpuLowered>(std::move(nodes)));
}

}  // namespace obscura::backend::cpu
