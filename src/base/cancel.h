// A flag by which one thread asks a job on another to stop. Copies share the flag. Thread safe.
#pragma once

#include <atomic>
#include <memory>

#include "base/result.h"

namespace obscura {

class CancelToken {
 public:
  CancelToken() : flag_(std::make_shared<std::atomic<bool>>(false)) {}

  // Safe to call from a signal handler: a lock-free store.
  void cancel() const { flag_->store(true, std::memory_order_relaxed); }
  bool cancelled() const { return flag_->load(std::memory_order_relaxed); }

  // kCancelled once somebody called cancel().
  Status check() const {
    if (cancelled()) return Error(ErrorKind::kCancelled, "cancelled");
    return {};
  }

 private:
  std::shared_ptr<std::atomic<bool>> flag_;
};

}  // namespace obscura
