#include "server/jobs/queue_teller.h"

#include <chrono>

namespace obscura::server {

constexpr std::chrono::milliseconds kBetweenTellings{20};

void QueueTeller::start() {
  thread_ = std::thread([this] { work(); });
}

void QueueTeller::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void QueueTeller::changed(const std::string& project) {
  std::lock_guard lock(mutex_);
  untold_.insert(project);
  changed_.notify_all();
}

void QueueTeller::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return !untold_.empty() || stopping_; });
    if (stopping_) return;
    std::set<std::string> projects;
    projects.swap(untold_);
    lock.unlock();
    for (const std::string& project : projects) listeners_.tell_queue(project);
    lock.lock();
    changed_.wait_for(lock, kBetweenTellings, [this] { return stopping_; });
  }
}

}  // namespace obscura::server
