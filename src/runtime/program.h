// A network ready to run: graph, kernels, memory plan, weights. Programs come from a Session, which
// keeps them.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "backend/backend.h"
#include "base/cancel.h"
#include "base/result.h"
#include "ir/graph.h"
#include "plan/plan.h"
#include "runtime/weight_store.h"

namespace obscura::runtime {

class Program {
 public:
  // Rewrites and lowers the graph for the device and plans its memory; touches no weight. The
  // device must outlive the Program. kOutOfMemory, saying how much is lacking, if no plan
  // fits `budget`.
  static Result<std::unique_ptr<Program>> build(backend::Device& device, ir::Graph graph,
                                                std::shared_ptr<WeightStore> weights,
                                                std::optional<std::size_t> budget);

  const plan::Plan& plan() const { return plan_; }
  const ir::Graph& graph() const { return executable_->graph(); }
  const std::string& weight_identity() const { return weights_->identity(); }

  bool loaded() const { return executable_->loaded(); }
  // What load() would add to what the device holds beside the arena.
  std::size_t bytes_to_load() const {
    return loaded() ? 0 : executable_->missing_bytes(plan_, *weights_);
  }
  // As backend::Executable::keep_weights; nothing to do where they are loaded.
  void keep_weights() {
    if (!loaded()) executable_->keep_weights(plan_, *weights_);
  }
  void visit_held(const backend::HeldVisitor& visit) const { executable_->visit_held(visit); }
  // Plans anew if the present plan was made for another budget. REQUIRES: !loaded(). On failure,
  // kOutOfMemory as of build(), the present plan stays.
  Status fit(std::size_t budget);
  // Prepares the resident weights; does nothing if they are there.
  Status load();
  void unload() { executable_->unload(); }

  // As backend::Executable.
  void bind_parameters(std::shared_ptr<backend::ParameterStore> store) {
    executable_->bind_parameters(std::move(store));
  }
  // The content of the graph's parameters, which a Program keeps for as long as it lives.
  Status write_parameter(std::string_view name, std::span<const std::byte> bytes) {
    return executable_->write_parameter(name, bytes);
  }
  Status read_parameter(std::string_view name, std::span<std::byte> bytes) {
    return executable_->read_parameter(name, bytes);
  }

  // As backend::Executable. REQUIRES: loaded().
  Status run(std::span<const backend::InputBinding> inputs,
             std::span<const backend::OutputBinding> outputs, const CancelToken& cancel) {
    return executable_->run(inputs, outputs, cancel);
  }
  Result<std::vector<double>> profile(std::span<const backend::InputBinding> inputs,
                                      std::span<const backend::OutputBinding> outputs) {
    return executable_->profile(inputs, outputs);
  }
  double launch_seconds() const { return executable_->launch_seconds(); }

 private:
  static Result<std::unique_ptr<Program>> plan_for(backend::Device& device, ir::Graph graph,
                                                   std::shared_ptr<WeightStore> weights,
                                                   std::optional<std::size_t> budget);
  Program(std::unique_ptr<backend::Executable> executable, plan::Plan plan,
          std::shared_ptr<WeightStore> weights, std::optional<std::size_t> budget)
      : weights_(std::move(weights)),
        executable_(std::move(executable)),
        plan_(std::move(plan)),
        budget_(budget) {}

  std::shared_ptr<WeightStore> weights_;
  std::unique_ptr<backend::Executable> executable_;
  plan::Plan plan_;
  std::optional<std::size_t> budget_;  // that of plan_
};

}  // namespace obscura::runtime
