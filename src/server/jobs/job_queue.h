// Runs the jobs of the store, one after another, on a thread of its own, as one worker of those
// that the store may have, and tells clients what becomes of them. On another it plans the memory
// of those that come next. What changes the queue goes through here.
//
// Thread safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "server/jobs/event_hub.h"
#include "server/jobs/job_report.h"
#include "server/jobs/job_runner.h"
#include "store/account_store.h"
#include "store/job_store.h"

namespace obscura::server {

class JobQueue {
 public:
  // One service has the database for itself, so whatever ran under this name in an earlier life of
  // it is over.
  static constexpr char kWorker[] = "service";

  struct Parts {
    store::JobStore& store;
    store::AccountStore& accounts;
    store::ResultStore& results;
    JobRunner& runner;
    const Studio& studio;
    const ResultFiles& files;
    EventHub& hub;
    std::chrono::milliseconds lease = std::chrono::minutes(1);
  };
  // All borrowed.
  explicit JobQueue(const Parts& parts) : parts_(parts) {}
  ~JobQueue() { stop(); }

  void start();
  // A job that is running is stopped, and stays in the store to run again.
  void stop();

  // As JobStore::submit. `finished`, if given, is called once the job has come to an end in this
  // process, from the thread that ran or cancelled it.
  Result<double> submit(const store::NewJob& job, std::function<void()> finished = nullptr);
  Result<std::size_t> cancel(const std::string& project, const std::vector<std::string>& ids);
  Result<std::size_t> cancel_all(const std::string& project);
  // Stops the running job, if it is of this project; with an id, only if it is that one.
  void interrupt(const std::string& project, const std::optional<std::string>& id);
  // Holds a job back or lets it run; a running one is stopped and will begin anew. False if it is
  // over or not there.
  Result<bool> hold(const std::string& project, const std::string& id, bool held);
  // `before`: the id of another job that waits.
  Status move_before(const std::string& project, const std::string& id, const std::string& before);
  Status move_to_end(const std::string& project, const std::string& id, bool front);
  // Starts no more jobs, of any project, until it is set back. Remembered across restarts.
  Status pause(bool paused);
  bool paused() const;
  // Before the next job, or at once if there is none.
  void release(bool models, bool results);
  void tell_removed(const std::string& project, const std::string& id);

  // Null if none is running.
  std::shared_ptr<const JobReport> running() const;
  // The node that is running for this client; empty if none is.
  std::string running_node(const std::string& project, const std::string& client) const;
  // {"status": {"exec_info": {"queue_remaining": n}}}
  nlohmann::json status(const std::string& project) const;
  // As docs/openapi.json's Queue.
  Result<nlohmann::ordered_json> summary(const std::string& project) const;

 private:
  void work();
  // Says in the store what the next jobs will need, on a thread of its own.
  void plan();
  bool plan_next();
  // Puts jobs that nobody runs any more back into the queue, or ends them; with a worker, all those
  // of an earlier life of it too.
  Status take_back(std::string_view worker = {});
  // Waits for something to do, which may be that somebody's lease ends; false once the queue stops.
  bool wait();
  void release_if_asked();
  // False if there was no job.
  bool run_next();
  // The first job of the queue, from now on the running one; null if there is none to run.
  Result<std::shared_ptr<JobReport>> take_next();
  std::shared_ptr<JobReport> report_of(store::Job job) const;
  void run(JobReport& report);
  void after_the_end(const store::Job& job);
  void wake();
  // Before long, from a thread of its own.
  void tell_status(const std::string& project);
  void tell();
  void breathe();
  void tell_job(const std::string& project, const std::string& id);
  void tell_finished(const std::string& id);

  Parts parts_;
  std::thread thread_, planner_, teller_;
  CancelToken planning_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_, untold_changed_, stopped_;
  bool stopping_ = false, awake_ = true, paused_ = false, unplanned_ = true;
  bool release_models_ = false, release_results_ = false;
  std::set<std::string> untold_;  // projects whose clients do not know how long the queue is now
  std::shared_ptr<JobReport> running_;
  std::map<std::string, std::function<void()>> finished_;
};

}  // namespace obscura::server
