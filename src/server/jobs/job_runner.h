// Who runs the service's jobs, so that it knows no tensor, device or model.
#pragma once

#include <cstdint>

#include "base/cancel.h"
#include "base/result.h"
#include "server/jobs/made_file.h"
#include "server/studio/studio.h"

namespace obscura::server {

// Runs jobs. One thread makes all calls.
class JobRunner {
 public:
  virtual ~JobRunner() = default;

  // Tells the observer what it does, and hands it what it makes. kCancelled once the token is set.
  virtual Status run(const JobToRun& job, RunObserver& observer, const CancelToken& cancel) = 0;
  // Between jobs: gives back the memory of loaded models, and forgets the results kept so far.
  virtual void release(bool models, bool results) = 0;
  // The most bytes of the device that were held since the last run() began.
  virtual std::int64_t peak_bytes() const = 0;
};

}  // namespace obscura::server
