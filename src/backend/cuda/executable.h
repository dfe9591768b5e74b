// A graph on a CUDA device: kernels in order over one arena that all Executables of the device
// share, replayed as a CUDA graph from the second run on.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/cuda/kernel.h"
#include "backend/cuda/weights.h"
#include "backend/parked_parameters.h"

namespace obscura::backend::cuda {

class CudaExecutable final : public Executable {
 public:
  static Result<std::unique_ptr<Executable>> create(ir::Graph graph,
                                                    std::shared_ptr<SharedMemory> shared);
  ~CudaExecutable() override;

  const ir::Graph& graph() const override { return graph_; }
  const std::vector<plan::NodeNeeds>& needs() const override { return needs_; }
  plan::Layout layout() const override {
    return {.holds_inputs_and_outputs = true, .prefetches = true, .keeps_steady = true};
  }
  Status load(plan::Plan plan, WeightReader& weights) override;
  void unload() override;
  bool loaded() const override { return loaded_; }
  Status write_parameter(std::string_view name, std::span<const std::byte> bytes) override;
  Status read_parameter(std::string_view name, std::span<std::byte> bytes) override;
  std::size_t missing_weight_bytes(const plan::Plan& plan,
                                   const WeightReader& weights) const override;
  Status run(std::span<const InputBinding> inputs, std::span<const OutputBinding> outputs,
             const CancelToken& cancel) override;
  Result<std::vector<double>> profile(std::span<const InputBinding> inputs,
                                      std::span<const OutputBinding> outputs) override;
  double launch_seconds() const override { return launch_seconds_; }

 private:
  // A stretch of nodes as a CUDA graph.
  struct Replay {
    cudaGraphExec_t graph = nullptr;
    int runs = 0;  // without a graph
  };

  CudaExecutable(ir::Graph graph, std::shared_ptr<SharedMemory> shared);

  Context& context() const { return shared_->context(); }
  Status find_kernels();
  std::string weight_key(const plan::PlannedWeight& weight, const WeightReader& weights) const;
  Status load_weights();
  // Puts the weight at `target`, device memory, in the form that its nodes want.
  Status prepare(WeightUpload& upload, std::size_t index, std::byte* target);
  Status allocate_boundary();
  // Of a parameter's content; done when it returns.
  Status copy(void* target, const void* source, std::size_t bytes, cudaMemcpyKind kind);
  Status load_parameters();
  void park_parameters();

  std::byte* address(ir::ValueId id) const;
  // Copies changed inputs to the device; says whether a steady one changed.
  Result<bool> send_inputs(std::span<const InputBinding> inputs);
  Status receive_outputs(std::span<const OutputBinding> outputs);
  // What is assigned to a parameter but was made elsewhere.
  Status enqueue_assignments();
  Status run_stretch(Replay& replay, std::size_t begin, std::size_t end);
  Status record(Replay& replay, std::size_t begin, std::size_t end);
  Status enqueue(std::size_t begin, std::size_t end);
  Status enqueue_weights(std::size_t node, std::size_t at);
  Status run_kernel(std::size_t node);
  Result<cudaEvent_t> event(std::size_t index);
  void drop_replays();
  // The first node, in order of execution, whose result (or weight) is not finite.
  Error locate_non_finite();
  // Sets the device's flag if the value is not finite.
  Status enqueue_finite_check(ir::ValueId id);
  Result<bool> is_finite(ir::ValueId id);

  ir::Graph graph_;
  std::shared_ptr<SharedMemory> shared_;
  std::vector<std::shared_ptr<const Kernel>> kernels_;
  std::vector<plan::NodeNeeds> needs_;
  plan::Plan plan_;
  WeightReader* reader_ = nullptr;
  // Parallel to plan_.weights: on the device for resident ones, page-locked for streamed ones.
  std::vector<std::shared_ptr<PreparedWeight>> weights_;
  bool streams_ = false;
  std::shared_ptr<DeviceMemory> parameters_;
  ParkedParameters parked_;
  std::byte* arena_ = nullptr;
  int arena_generation_ = -1;
  // Page-locked copies of the inputs as last sent, and of the outputs; and the device's word for a
  // number that is not finite.
  PinnedMemory boundary_;
  std::vector<std::size_t> input_offsets_, output_offsets_;
  DeviceMemory flag_;
  std::byte* host_flag_ = nullptr;
  bool inputs_sent_ = false;
  Replay steady_, main_;
  std::vector<cudaEvent_t> events_;
  bool loaded_ = false;
  double launch_seconds_ = 0;
};

}  // namespace obscura::backend::cuda
