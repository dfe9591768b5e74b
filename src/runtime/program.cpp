#include "runtime/program.h"

namespace obscura::runtime {

Result<std::unique_ptr<Program>> Program::build(backend::Device& device, ir::Graph graph,
                                                std::shared_ptr<WeightStore> weights,
                                                std::optional<std::size_t> budget) {
  auto program = plan_for(device, graph, weights, budget);
  if (program.ok() || program.error().kind() != ErrorKind::kOutOfMemory) return program;
  // What steady inputs decide is computed first and kept, which takes memory. Where there is none,
  // it is computed where it is used, in each run.
  bool gave_up = false;
  for (ir::ValueId id : graph.inputs) {
    bool& steady = graph.values[index_of(id)].steady;
    gave_up = gave_up || steady;
    steady = false;
  }
  return gave_up ? plan_for(device, std::move(graph), std::move(weights), budget)
                 : std::move(program);
}

Result<std::unique_ptr<Program>> Program::plan_for(backend::Device& device, ir::Graph graph,
                                                   std::shared_ptr<WeightStore> weights,
                                                   std::optional<std::size_t> budget) {
  OBSCURA_ASSIGN(auto executable, device.lower(std::move(graph)));
  OBSCURA_ASSIGN(plan::Plan plan, plan::make_plan(executable->graph(), executable->needs(), budget,
                                                  executable->layout()));
  return std::unique_ptr<Program>(
      new Program(std::move(executable), std::move(plan), std::move(weights), budget));
}

Status Program::fit(std::size_t budget) {
  OBSCURA_CHECK(!loaded(), "a loaded Program is planned anew");
  if (budget_ == budget) return {};
  OBSCURA_ASSIGN(plan_, plan::make_plan(executable_->graph(), executable_->needs(), budget,
                                        executable_->layout()));
  budget_ = budget;
  return {};
}

Status Program::load() {
  if (loaded()) return {};
  return executable_->load(plan_, *weights_);
}

}  // namespace obscura::runtime
