// Plans the memory of the jobs that run next, on a thread of its own, and says in the store what
// they will need.
//
// Thread safe.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/cancel.h"
#include "server/jobs/checked_jobs.h"
#include "server/jobs/job_listener.h"
#include "server/studio/studio.h"
#include "store/job_store.h"

namespace obscura::server {

class JobPlanner {
 public:
  // Borrowed.
  JobPlanner(store::JobStore& store, const Studio& studio, CheckedJobs& checked,
             const JobListeners& listeners)
      : store_(store), studio_(studio), checked_(checked), listeners_(listeners) {}
  ~JobPlanner() { stop(); }

  void start();
  void stop();
  // There may be jobs without a plan.
  void wake();

 private:
  void work();
  // False if all jobs have a plan that are to have one.
  bool plan_next();

  store::JobStore& store_;
  const Studio& studio_;
  CheckedJobs& checked_;
  const JobListeners& listeners_;
  std::thread thread_;
  CancelToken planning_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool stopping_ = false, awake_ = true;
};

}  // namespace obscura::server
