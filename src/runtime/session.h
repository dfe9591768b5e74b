// A device, a memory budget, and the Programs that share both.
//
// Each Program is planned to fit the budget alone. Programs run one after another; their prepared
// weights stay as long as there is room, and those used longest ago leave first; what the next
// Program needs of them stays where they fit beside the others. So the memory that a job will need
// is known before it starts: the largest of its Programs.
//
// Other programs may take a device's memory meanwhile. Where a Program's memory is refused though
// its plan fits the budget, the Session frees all it holds, lowers the budget to what the device
// then has, plans the Program anew (more weights are streamed, which changes no bit of a result)
// and goes on.
//
// A device can be lost for good (ErrorKind::kDeviceLost: a GPU that fell off the bus, a kernel that
// broke its context). The call that meets this ends with an error that names the device; every
// Program is gone with it, and with the next call that needs the device it is made anew.
//
// Not thread safe: one job at a time uses a Session.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "backend/backend.h"
#include "runtime/program.h"

namespace obscura::runtime {

class Session {
 public:
  using DeviceFactory = std::function<Result<std::unique_ptr<backend::Device>>()>;

  // Without a budget, what the device says is available now. `again` makes the device anew; without
  // it, a device that was lost stays lost.
  explicit Session(std::unique_ptr<backend::Device> device,
                   std::optional<std::size_t> budget = std::nullopt, DeviceFactory again = {});

  // Another one after a loss.
  backend::Device& device();
  // The present one: at most that of the beginning.
  std::size_t budget() const { return budget_; }

  // The Program of this key, built by `build` when it is first asked for. `key` names the network
  // and its shapes; the weights' identity is added to it. The Program
  // stays valid while fewer than 256 others are asked for.
  Result<Program*> program(const std::string& key, const std::shared_ptr<WeightStore>& weights,
                           const std::function<Result<ir::Graph>()>& build,
                           std::size_t reserved = 0);

  // Loads the Program, making room first, and runs it. After kDeviceLost the Program is no more.
  Status run(Program& program, std::span<const backend::InputBinding> inputs,
             std::span<const backend::OutputBinding> outputs, const CancelToken& cancel);
  // Loads without running.
  Status load(Program& program);

  // Gives every prepared weight and the arena back to the system; the budget is again that of the
  // beginning.
  void free_memory();
  // Forgets the Programs of these weights: their file is no longer in use.
  void forget(const std::string& weight_identity);

  // The most that the Programs loaded or run so far, or since restart_peak(), held at one time.
  // What others have left stays only while there is room, and is not counted: this is what was
  // planned.
  std::size_t peak_held_bytes() const { return peak_held_bytes_; }
  void restart_peak();

 private:
  struct Entry {
    std::string key;
    std::unique_ptr<Program> program;
    std::size_t reserved = 0;
    bool counted = false;  // loaded or run since restart_peak()
  };
  Status load_on_device(Program& program);
  Status run_on_device(Program& program, std::span<const backend::InputBinding> inputs,
                       std::span<const backend::OutputBinding> outputs, const CancelToken& cancel);
  // `status`; after a loss, once all that was on the device is gone, in words that name it.
  Status survived(Status status);
  // Moves it to the front.
  Entry& entry_of(const Program& program);
  Result<std::size_t> budget_beside(std::size_t reserved) const;
  // Plans the Program for the present budget, if it was not.
  Status fit(Entry& entry);
  void make_room(Program& program, std::size_t reserved);
  // load() after `refused`, within what the device has left.
  Status load_in_less(Entry& entry, Status refused);
  void unload_all();
  void release_arena();
  // What the counted Programs hold now.
  std::size_t counted_bytes() const;
  void note_peak(std::size_t reserved);

  std::unique_ptr<backend::Device> device_;
  DeviceFactory again_;
  bool lost_ = false;
  std::size_t budget_, first_budget_;
  std::size_t peak_held_bytes_ = 0;
  std::size_t counted_arena_bytes_ = 0;  // the largest of a counted Program since it was released
  std::list<Entry> programs_;            // most recently run first
};

}  // namespace obscura::runtime
