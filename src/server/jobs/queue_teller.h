// Tells the listeners, before long and from a thread of its own, that the queue of a project has
// changed.
//
// Thread safe.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "server/jobs/job_listener.h"

namespace obscura::server {

class QueueTeller {
 public:
  // Borrowed; complete before start().
  explicit QueueTeller(const JobListeners& listeners) : listeners_(listeners) {}
  ~QueueTeller() { stop(); }

  void start();
  void stop();
  void changed(const std::string& project);

 private:
  void work();

  const JobListeners& listeners_;
  std::thread thread_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool stopping_ = false;
  std::set<std::string> untold_;  // projects
};

}  // namespace obscura::server
