// Renews the lease of a job while it runs, from a thread of its own: a node may say nothing for
// longer than the lease lasts.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "store/job_store.h"

namespace obscura::server {

class LeaseKeeper {
 public:
  // `store` is borrowed. `lost` is called once, from that thread, if somebody else has the job now.
  // While the store cannot be written, it is tried again.
  LeaseKeeper(store::JobStore& store, store::Claim claim, std::chrono::milliseconds lease,
              std::function<void()> lost);
  // From then on `lost` is not called.
  ~LeaseKeeper();

 private:
  void keep();

  store::JobStore& store_;
  const store::Claim claim_;
  const std::chrono::milliseconds lease_;
  const std::function<void()> lost_;
  std::mutex mutex_;
  std::condition_variable over_changed_;
  bool over_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace obscura::server
