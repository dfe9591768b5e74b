#include "runtime/session.h"

#include <algorithm>

namespace obscura::runtime {

Session::Session(std::unique_ptr<backend::Device> device, std::optional<std::size_t> budget)
    : device_(std::move(device)), budget_(budget.value_or(0)) {
  if (!budget) budget_ = device_->describe().available_bytes;
}

Result<Program*> Session::program(const std::string& key,
                                  const std::shared_ptr<WeightStore>& weights,
                                  const std::function<Result<ir::Graph>()>& build) {
  std::string full_key = key + '\n' + weights->identity();
  for (Entry& entry : programs_) {
    if (entry.key == full_key) return entry.program.get();
  }
  OBSCURA_ASSIGN(ir::Graph graph, build());
  OBSCURA_ASSIGN(auto program, Program::build(*device_, std::move(graph), weights, budget_));
  programs_.push_front({std::move(full_key), std::move(program)});
  return programs_.front().program.get();
}

void Session::make_room(const Program& program) {
  // Programs over the same weights share them, and the arena is one for all: what this Program adds
  // is at most its peak less what relatives hold already. Strangers leave first, then relatives.
  auto held_with = [&] {
    std::size_t arena = program.plan().arena_bytes, strangers = 0,
                relatives = program.plan().resident_weight_bytes;
    for (const Entry& entry : programs_) {
      const Program& other = *entry.program;
      if (&other == &program || !other.loaded()) continue;
      arena = std::max(arena, other.plan().arena_bytes);
      bool related = other.weight_identity() == program.weight_identity();
      if (related) relatives = std::max(relatives, other.plan().resident_weight_bytes);
      if (!related) strangers += other.plan().resident_weight_bytes;
    }
    return arena + strangers + relatives;
  };
  for (bool related : {false, true}) {
    for (auto entry = programs_.rbegin(); entry != programs_.rend() && held_with() > budget_;
         ++entry) {
      Program& other = *entry->program;
      if (&other == &program || !other.loaded()) continue;
      if ((other.weight_identity() == program.weight_identity()) == related) other.unload();
    }
  }
  // The arena never shrinks by itself; where it is larger than this Program may have, it starts
  // again.
  if (device_->held_bytes() + program.plan().peak_bytes() > budget_) device_->release_arena();
}

Status Session::load(Program& program) {
  auto entry = std::find_if(programs_.begin(), programs_.end(),
                            [&](const Entry& e) { return e.program.get() == &program; });
  OBSCURA_CHECK(entry != programs_.end(), "a Program of another Session");
  programs_.splice(programs_.begin(), programs_, entry);
  if (!program.loaded()) {
    make_room(program);
    OBSCURA_TRY(program.load());
  }
  peak_held_bytes_ = std::max(peak_held_bytes_, device_->held_bytes());
  return {};
}

Status Session::run(Program& program, std::span<const backend::InputBinding> inputs,
                    std::span<const backend::OutputBinding> outputs, const CancelToken& cancel) {
  OBSCURA_TRY(load(program));
  Status status = program.run(inputs, outputs, cancel);
  peak_held_bytes_ = std::max(peak_held_bytes_, device_->held_bytes());
  return status;
}

void Session::free_memory() {
  for (Entry& entry : programs_) entry.program->unload();
  device_->release_arena();
}

void Session::forget(const std::string& weight_identity) {
  programs_.remove_if(
      [&](const Entry& entry) { return entry.program->weight_identity() == weight_identity; });
}

}  // namespace obscura::runtime
