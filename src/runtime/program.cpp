#include "runtime/program.h"

namespace obscura::runtime {

Result<std::unique_ptr<Program>> Program::build(backend::Device& device, ir::Graph graph,
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
