// Runs the jobs of the store, one after another, on a thread of its own.
//
// Thread safe.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "server/event_hub.h"
#include "server/job_report.h"
#include "server/job_runner.h"
#include "store/job_store.h"

namespace obscura::server {

class JobQueue {
 public:
  // All borrowed.
  JobQueue(store::JobStore& store, JobRunner& runner, EventHub& hub)
      : store_(store), runner_(runner), hub_(hub) {}
  ~JobQueue() { stop(); }

  void start();
  // A job that is running is stopped, and stays in the store to run again.
  void stop();

  // As JobStore::submit; clients are told.
  Result<double> submit(const store::NewJob& job);
  Result<std::size_t> cancel(const std::vector<std::string>& ids);
  Result<std::size_t> cancel_all();
  // Stops the running job; with an id, only if it is that one.
  void interrupt(const std::optional<std::string>& id);
  // Before the next job, or at once if there is none.
  void release(bool models, bool results);

  // The node that is running for this client; empty if none is.
  std::string running_node(const std::string& client) const;
  // {"status": {"exec_info": {"queue_remaining": n}}}
  nlohmann::json status() const;

 private:
  void work();
  // Waits for something to do; false once the queue stops.
  bool wait();
  void release_if_asked();
  // False if there was no job.
  bool run_next();
  void run(const store::Job& job);
  void tell_status() { hub_.broadcast("status", status()); }

  store::JobStore& store_;
  JobRunner& runner_;
  EventHub& hub_;
  std::thread thread_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool stopping_ = false, awake_ = true;
  bool release_models_ = false, release_results_ = false;
  std::shared_ptr<JobReport> running_;
};

}  // namespace obscura::server
