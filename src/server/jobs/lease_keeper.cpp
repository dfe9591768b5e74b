#include "server/jobs/lease_keeper.h"

#include <utility>

#include "base/log.h"
#include "server/jobs/job_id.h"

namespace obscura::server {

// A renewal may fail and be tried again before the lease ends.
constexpr int kRenewalsALease = 4;

LeaseKeeper::LeaseKeeper(store::JobStore& store, store::Claim claim,
                         std::chrono::milliseconds lease, std::function<void()> lost)
    : store_(store),
      claim_(std::move(claim)),
      lease_(lease),
      lost_(std::move(lost)),
      thread_([this] { keep(); }) {}

LeaseKeeper::~LeaseKeeper() {
  {
    std::lock_guard lock(mutex_);
    over_ = true;
    over_changed_.notify_one();
  }
  thread_.join();
}

void LeaseKeeper::keep() {
  std::unique_lock lock(mutex_);
  while (!over_changed_.wait_for(lock, lease_ / kRenewalsALease, [this] { return over_; })) {
    const Status renewed = store_.renew(claim_, now_ms(), lease_.count());
    if (renewed.ok()) continue;
    log::error("the lease is not renewed: {}", renewed.error().message());
    if (renewed.error().kind() == ErrorKind::kNotFound) return lost_();
  }
}

}  // namespace obscura::server
