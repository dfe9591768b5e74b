#include "runtime/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/log.h"
#include "base/memory_text.h"
#include "runtime/lost_device.h"

namespace obscura::runtime {
namespace {

// A server that renders images of every size would collect Programs for ever.
constexpr std::size_t kMostPrograms = 256;
// Plans tried for one load, each smaller than the one before.
constexpr int kAttempts = 12;

bool is(ErrorKind kind, const Status& status) {
  return !status.ok() && status.error().kind() == kind;
}

bool is_out_of_memory(const Status& status) {
  return is(ErrorKind::kOutOfMemory, status);
}

}  // namespace

Session::Session(std::unique_ptr<backend::Device> device, std::optional<std::size_t> budget,
                 DeviceFactory again)
    : device_(std::move(device)), again_(std::move(again)), budget_(budget.value_or(0)) {
  if (!budget) budget_ = device_->describe().available_bytes;
  first_budget_ = budget_;
}

backend::Device& Session::device() {
  if (!lost_ || !again_) return *device_;
  auto made = again_();
  if (made.ok()) {
    device_ = std::move(*made);
    lost_ = false;
  } else {
    backend::DeviceDescription old = device_->describe();
    Error why(ErrorKind::kDeviceLost,
              old.name + " was lost and cannot be started again: " + made.error().message());
    device_ = lost_device(std::move(old), std::move(why));
  }
  return *device_;
}

Status Session::survived(Status status) {
  if (lost_ || !is(ErrorKind::kDeviceLost, status)) return status;
  backend::DeviceDescription old = device_->describe();
  Error why(ErrorKind::kDeviceLost,
            fmt::format("{} was lost, and this job with it: {}{}", old.name,
                        status.error().message(), again_ ? "; the next job starts it again" : ""));
  log::warn("{}", why.message());
  // Nothing may hold the old device when a new one is made: a driver gives it out only once.
  programs_.clear();
  device_ = lost_device(std::move(old), why);
  lost_ = true;
  return why;
}

Result<Program*> Session::program(const std::string& key,
                                  const std::shared_ptr<WeightStore>& weights,
                                  const std::function<Result<ir::Graph>()>& build,
                                  std::size_t reserved) {
  std::string full_key = key + '\n' + weights->identity();
  for (Entry& entry : programs_) {
    if (entry.key != full_key) continue;
    OBSCURA_TRY(fit(entry));
    return entry.program.get();
  }
  OBSCURA_ASSIGN(std::size_t budget, budget_beside(reserved));
  OBSCURA_ASSIGN(ir::Graph graph, build());
  auto program = Program::build(device(), std::move(graph), weights, budget);
  if (!program.ok()) return survived(program.error()).error();
  programs_.push_front({std::move(full_key), std::move(*program), reserved});
  if (programs_.size() > kMostPrograms) programs_.pop_back();
  return programs_.front().program.get();
}

void Session::make_room(Program& program, std::size_t reserved) {
  program.keep_weights();
  // The arena serves whoever runs. Weights are shared between Programs, so what leaving frees, or
  // loading adds, is what the device counts.
  auto needed = [&](std::size_t arena) {
    return arena + device_->weight_bytes() + program.bytes_to_load() + reserved;
  };
  // Networks of other weights leave first: those of the same are more likely to be needed again.
  for (bool related : {false, true}) {
    for (auto entry = programs_.rbegin(); entry != programs_.rend(); ++entry) {
      Program& other = *entry->program;
      if (&other == &program || !other.loaded()) continue;
      if ((other.weight_identity() == program.weight_identity()) != related) continue;
      if (needed(program.plan().arena_bytes) <= budget_) break;
      other.unload();
    }
  }
  if (needed(std::max(device_->arena_bytes(), program.plan().arena_bytes)) > budget_)
    release_arena();
  // Where weights share an allocation, those that are kept hold it as a whole, and the others need
  // not fit into its gaps.
  if (!program.loaded() && needed(program.plan().arena_bytes) > budget_) program.unload();
}

Result<std::size_t> Session::budget_beside(std::size_t reserved) const {
  if (reserved < budget_) return budget_ - reserved;
  return Error(ErrorKind::kOutOfMemory, fmt::format("images of {} leave nothing of a budget of {}",
                                                    memory_text(reserved), memory_text(budget_)));
}

Session::Entry& Session::entry_of(const Program& program) {
  auto entry = std::find_if(programs_.begin(), programs_.end(),
                            [&](const Entry& e) { return e.program.get() == &program; });
  OBSCURA_CHECK(entry != programs_.end(), "a Program of another Session");
  programs_.splice(programs_.begin(), programs_, entry);
  return programs_.front();
}

Status Session::fit(Entry& entry) {
  if (entry.program->loaded()) return {};
  OBSCURA_ASSIGN(std::size_t budget, budget_beside(entry.reserved));
  return entry.program->fit(budget);
}

Status Session::load(Program& program) {
  return survived(load_on_device(program));
}

Status Session::load_on_device(Program& program) {
  Entry& entry = entry_of(program);
  OBSCURA_TRY(fit(entry));
  make_room(program, entry.reserved);
  Status status = program.load();
  if (is_out_of_memory(status)) status = load_in_less(entry, status);
  OBSCURA_TRY(status);
  entry.counted = true;
  note_peak(entry.reserved);
  return {};
}

Status Session::load_in_less(Entry& entry, Status refused) {
  Program& program = *entry.program;
  for (int attempt = 0; attempt < kAttempts && is_out_of_memory(refused); ++attempt) {
    // With all of ours out, what the device has is what the Program may have.
    unload_all();
    std::size_t available = device_->describe().available_bytes;
    // Where memory is in pieces, less of it can be had than there is.
    std::size_t needed = program.plan().peak_bytes() + entry.reserved;
    if (attempt > 0) available = std::min(available, needed / 10 * 9);
    budget_ = std::min(budget_, available);
    log::warn("{}; going on within {}", refused.error().message(), memory_text(budget_));
    OBSCURA_TRY(fit(entry));
    refused = program.load();
  }
  return refused;
}

Status Session::run(Program& program, std::span<const backend::InputBinding> inputs,
                    std::span<const backend::OutputBinding> outputs, const CancelToken& cancel) {
  return survived(run_on_device(program, inputs, outputs, cancel));
}

Status Session::run_on_device(Program& program, std::span<const backend::InputBinding> inputs,
                              std::span<const backend::OutputBinding> outputs,
                              const CancelToken& cancel) {
  OBSCURA_TRY(load_on_device(program));
  Status status = program.run(inputs, outputs, cancel);
  if (is_out_of_memory(status)) {
    OBSCURA_TRY(load_in_less(entry_of(program), status));
    note_peak(programs_.front().reserved);
    status = program.run(inputs, outputs, cancel);
  }
  return status;
}

std::size_t Session::counted_bytes() const {
  std::size_t bytes = counted_arena_bytes_;
  std::unordered_set<const void*> seen;  // weights and parameters are shared
  for (const Entry& entry : programs_) {
    if (!entry.counted || !entry.program->loaded()) continue;
    entry.program->visit_held([&](const void* held, std::size_t size) {
      if (seen.insert(held).second) bytes += size;
    });
  }
  return bytes;
}

void Session::note_peak(std::size_t reserved) {
  counted_arena_bytes_ =
      std::max(counted_arena_bytes_, programs_.front().program->plan().arena_bytes);
  peak_held_bytes_ = std::max(peak_held_bytes_, counted_bytes() + reserved);
}

void Session::restart_peak() {
  peak_held_bytes_ = counted_arena_bytes_ = 0;
  for (Entry& entry : programs_) entry.counted = false;
}

void Session::release_arena() {
  device_->release_arena();
  counted_arena_bytes_ = 0;
}

void Session::unload_all() {
  for (Entry& entry : programs_) entry.program->unload();
  release_arena();
}

void Session::free_memory() {
  unload_all();
  budget_ = first_budget_;
}

void Session::forget(const std::string& weight_identity) {
  programs_.remove_if(
      [&](const Entry& entry) { return entry.program->weight_identity() == weight_identity; });
}

}  // namespace obscura::runtime
