// An Executable for every device: obeys the plan, and leaves to the device what only it can do.
//
// Holds the prepared weights of its plan from load() to unload(). A run goes through the nodes in
// order; what only steady inputs decide is left out while those stay the same and nobody else has
// used the arena.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/bindings.h"
#include "backend/holdings.h"
#include "backend/lowered.h"
#include "backend/parameter_memory.h"
#include "ir/graph.h"
#include "plan/plan.h"

namespace obscura::backend {

class Runner final : public Executable {
 public:
  // `device` was made for `graph`. REQUIRES: what the holdings allocate is that device's memory.
  Runner(ir::Graph graph, std::shared_ptr<Holdings> holdings, std::unique_ptr<Lowered> device);
  ~Runner() override;

  const ir::Graph& graph() const override { return graph_; }
  const std::vector<plan::NodeNeeds>& needs() const override { return device_->needs(); }
  plan::Layout layout() const override { return device_->layout(); }

  Status load(plan::Plan plan, WeightReader& weights) override;
  void unload() override;
  bool loaded() const override { return loaded_; }
  std::size_t missing_bytes(const plan::Plan& plan, const WeightReader& weights) const override;
  void keep_weights(const plan::Plan& plan, const WeightReader& weights) override;
  void visit_held(const HeldVisitor& visit) const override;
  void bind_parameters(std::shared_ptr<ParameterStore> store) override;
  Status write_parameter(std::string_view name, std::span<const std::byte> bytes) override;
  Status read_parameter(std::string_view name, std::span<std::byte> bytes) override;

  Status run(std::span<const InputBinding> inputs, std::span<const OutputBinding> outputs,
             const CancelToken& cancel) override;
  Result<std::vector<double>> profile(std::span<const InputBinding> inputs,
                                      std::span<const OutputBinding> outputs) override;
  double launch_seconds() const override { return launch_seconds_; }

 private:
  Status load_parts();
  // Host memory for copies: of all inputs and outputs where the device keeps these itself, else of
  // the steady inputs alone, to see whether they change.
  Status allocate_copies();

  // Takes the caller's memory and sees to it that the arena is there.
  Status bind(std::span<const InputBinding> inputs, std::span<const OutputBinding> outputs);
  // Brings the inputs to where the plan wants them; says whether the steady nodes have to run.
  Result<bool> send_inputs();
  // … all of them, whatever was sent before.
  Status send_input(std::size_t index);
  Status run_nodes(bool steady_changed, const CancelToken& cancel);
  // Puts the outputs on their way to the caller, then what is assigned to parameters.
  Status receive_outputs();
  // Once the device is done: from the copies into the caller's memory.
  void deliver_outputs();

  std::byte* address(ir::ValueId id) const;
  // Puts the nodes from `begin` up to `end`, their streamed weights before them.
  Status put(std::size_t begin, std::size_t end, const CancelToken& cancel);
  Status put_node(std::size_t node);
  bool streams(std::size_t node) const;
  Status fetch(std::size_t node, std::size_t at);
  // Prepares a node's streamed weights in the arena.
  Status stream(std::size_t node);
  // Where operand `operand` of the node is, a weight.
  const std::byte* weight(std::size_t node, std::size_t operand) const;

  Result<bool> is_finite(ir::ValueId id);
  Error locate_non_finite();

  ir::Graph graph_;
  std::shared_ptr<Holdings> holdings_;
  std::unique_ptr<Lowered> device_;
  plan::Plan plan_;
  WeightReader* reader_ = nullptr;
  std::vector<std::shared_ptr<MemoryPart>> weights_;  // parallel to plan_.weights
  std::vector<std::shared_ptr<MemoryPart>> kept_;     // while nothing is loaded
  std::unique_ptr<WeightFeed> feed_;  // of weights that are prepared anew in each run
  ParameterMemory parameters_;
  MemoryPtr copies_;
  std::vector<std::size_t> input_copies_, output_copies_;  // offsets; plan::kNowhere: no copy
  bool copies_are_sent_ = false;                           // the steady ones, and still in place
  std::vector<BoundInput> inputs_;                         // during a run, as are the outputs
  std::vector<BoundOutput> outputs_;
  int generation_ = -1;  // of the arena in the last run
  bool loaded_ = false;
  double launch_seconds_ = 0;
};

}  // namespace obscura::backend
