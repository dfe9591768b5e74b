// What jobs will hold of the device's memory, known from their plans: an engine of its own over a
// device that plans everything and computes nothing. Previews are planned as well.
//
// Not thread safe: one job at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "app/engine.h"
#include "runtime/planning_device.h"
#include "server/studio/studio.h"

namespace obscura::app {

class MemoryPlanner {
 public:
  // `budget` is that of the session whose jobs are planned: what a device has free now, with that
  // session's networks on it, is another number.
  MemoryPlanner(EngineOptions options, std::size_t budget) : options_(std::move(options)) {
    options_.budget = budget;
  }

  // `place` lends its models and inputs; its images stay as they are. Errors as those of a run.
  Result<server::MemoryPlan> plan(const Place& place, const server::JobToRun& job,
                                  const CancelToken& cancel);

 private:
  // Opened when it is first asked for: it takes time, and on a GPU memory.
  Result<Engine*> opened();
  // The most that the job holds, in bytes, if somebody watches it or nobody does.
  Result<std::int64_t> peak_of(Engine& engine, const server::JobToRun& job, bool watched,
                               const CancelToken& cancel);

  EngineOptions options_;
  std::vector<runtime::PlannedNetwork> networks_;  // what the engine's device has planned
  std::unique_ptr<Engine> engine_;
};

}  // namespace obscura::app
