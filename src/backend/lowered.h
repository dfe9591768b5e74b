// What a device adds to the Runner, for one graph: its kernels, and its ways to move bytes. The
// Runner obeys the plan; nothing below here knows one.
//
// All that is put here happens in the order in which it was put, or as if it did; when, is the
// device's own affair until wait(). One thread at a time.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "backend/memory.h"
#include "base/result.h"
#include "ir/graph.h"
#include "plan/plan.h"

namespace obscura::backend {

// Brings weights from where they are stored, for the time of one load.
class WeightFeed {
 public:
  virtual ~WeightFeed() = default;
  // What read() needs to pass them through.
  virtual std::size_t scratch_bytes(const ir::Value& weight) = 0;
  // Writes the weight's elements, in its type, to `target` on the device.
  virtual Status read(const ir::Value& weight, std::byte* target, std::byte* scratch) = 0;
};

class Lowered {
 public:
  virtual ~Lowered() = default;

  // Parallel to the graph's nodes.
  virtual const std::vector<plan::NodeNeeds>& needs() const = 0;
  virtual plan::Layout layout() const = 0;
  // Whether what is put has happened when the call returns.
  virtual bool computes_at_once() const = 0;

  // Around the time in which the graph is loaded: what it needs beside its plan.
  virtual Status open() = 0;
  virtual void close() = 0;
  // Before anything is put in a call from outside.
  virtual Status begin() = 0;
  // Until all that was put has happened.
  virtual Status wait() = 0;

  // Memory of the host that copies reach.
  virtual Result<MemoryPtr> allocate_host(std::size_t bytes) = 0;
  virtual std::unique_ptr<WeightFeed> feed(WeightReader& reader) = 0;
  // Turns an operand that the node's needs list from its plain form into the one listed. The two
  // may be one place where that need has no staging bytes.
  virtual Status prepare(std::size_t node, std::size_t operand, const std::byte* plain,
                         std::byte* prepared) = 0;

  enum class Way { kToDevice, kToHost, kOnDevice };
  // Host memory is such as allocate_host() gives, and stays until wait().
  virtual Status copy(std::byte* target, const std::byte* source, std::size_t bytes, Way way) = 0;

  struct Call {
    std::span<const void* const> inputs;  // in the order of the node's operands
    std::span<void* const> outputs;       // in the order of its results
    std::byte* workspace;
  };
  // REQUIRES: the node is no view.
  virtual Status run(std::size_t node, const Call& call) = 0;

  struct Fetch {
    std::byte* target;
    const std::byte* source;
    std::size_t bytes;
  };
  // Puts copies from the host beside the kernels, once all is done that was put before; `node`
  // waits for them in await(). Only where the layout prefetches.
  virtual Status fetch(std::size_t node, std::size_t at, std::span<const Fetch> weights) = 0;
  virtual Status await(std::size_t node) = 0;

  // Puts what `put` puts, which is the same each time; a device may record it and do without
  // calling, until forget_replays().
  enum class Stretch { kSteady, kMain };
  virtual Status replay(Stretch stretch, const std::function<Status()>& put) = 0;
  virtual void forget_replays() = 0;

  // Puts a look for NaNs and infinities; all_finite() waits, and tells of all since the last time.
  virtual Status look_for_non_finite(const ir::ValueType& type, const std::byte* data) = 0;
  virtual Result<bool> all_finite() = 0;

  // Seconds of what `put` puts, after `before`.
  virtual Result<double> time(const std::function<Status()>& before,
                              const std::function<Status()>& put) = 0;
};

}  // namespace obscura::backend
