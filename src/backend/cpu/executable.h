// A graph on the CPU: kernels in order, over one arena that all Executables of a device share.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/kernel.h"
#include "backend/cpu/memory.h"
#include "backend/parked_parameters.h"

namespace obscura::backend::cpu {

// What the Executables of a device have in common.
class SharedMemory {
 public:
  // At least `bytes`, with unspecified content; invalidates what was given before.
  Result<std::byte*> arena(std::size_t bytes);
  void release_arena();
  // Whose intermediate results the arena holds: the last Executable that ran, or nullptr.
  const void* arena_user = nullptr;

  // A prepared weight that some Executable still holds, or nullptr.
  std::shared_ptr<Memory> find(const std::string& key) const;
  void remember(const std::string& key, const std::shared_ptr<Memory>& weight) {
    weights_[key] = weight;
  }
  std::size_t arena_bytes() const { return arena_.bytes(); }
  std::size_t weight_bytes() const;

 private:
  Memory arena_;
  std::map<std::string, std::weak_ptr<Memory>> weights_;
};

class CpuExecutable final : public Executable {
 public:
  static Result<std::unique_ptr<Executable>> create(ir::Graph graph,
                                                    std::shared_ptr<SharedMemory> shared,
                                                    Precision precision);

  const ir::Graph& graph() const override { return graph_; }
  const std::vector<plan::NodeNeeds>& needs() const override { return needs_; }
  plan::Layout layout() const override { return {.keeps_steady = true}; }
  Status load(plan::Plan plan, WeightReader& weights) override;
  void unload() override;
  std::size_t missing_weight_bytes(const plan::Plan& plan,
                                   const WeightReader& weights) const override;
  bool loaded() const override { return loaded_; }
  Status write_parameter(std::string_view name, std::span<const std::byte> bytes) override;
  Status read_parameter(std::string_view name, std::span<std::byte> bytes) override;
  Status run(std::span<const InputBinding> inputs, std::span<const OutputBinding> outputs,
             const CancelToken& cancel) override;
  Result<std::vector<double>> profile(std::span<const InputBinding> inputs,
                                      std::span<const OutputBinding> outputs) override;

 private:
  CpuExecutable(ir::Graph graph, std::shared_ptr<SharedMemory> shared)
      : graph_(std::move(graph)), shared_(shared) {}

  Status find_kernels(Precision precision);
  Status load_parameters();
  std::string weight_key(const plan::PlannedWeight& weight, const WeightReader& weights) const;
  Status load_resident(std::size_t index);
  // Takes the caller's memory for one run.
  Status bind(std::span<const InputBinding> inputs, std::span<const OutputBinding> outputs);
  // The first node that has to run: later than 0 if the arena still holds what the steady inputs
  // gave in the last run.
  std::size_t first_node();
  // Outputs that share another value's memory, and what is assigned but was made elsewhere.
  void copy_results();
  std::byte* address(ir::ValueId id) const;
  Status run_node(std::size_t n);
  // Where operand `operand` of node n is; streams the weight in if it is not resident.
  Result<const void*> operand(std::size_t n, std::size_t operand);
  Status stream(std::size_t n, std::size_t need, std::byte* target);
  bool is_finite(ir::ValueId id) const;
  // The first node, in order of execution, whose result (or weight) is not finite.
  Error find_non_finite();

  ir::Graph graph_;
  std::shared_ptr<SharedMemory> shared_;
  std::vector<std::shared_ptr<const Kernel>> kernels_;
  std::vector<plan::NodeNeeds> needs_;
  plan::Plan plan_;
  WeightReader* reader_ = nullptr;
  std::vector<std::shared_ptr<Memory>>
      resident_;  // parallel to plan_.weights; null for streamed ones
  std::shared_ptr<Memory> parameters_;
  ParkedParameters parked_;
  std::byte* arena_ = nullptr;
  std::vector<const std::byte*> inputs_;  // parallel to the graph's, valid during a run
  std::vector<std::byte*> outputs_;
  std::vector<std::vector<std::byte>> steady_inputs_;  // as they were in the last run
  bool loaded_ = false;
};

}  // namespace obscura::backend::cpu
