// Runs the jobs of the store, one after another, on a thread of its own, as one worker of those
// that the store may have, and tells the listeners what becomes of them. What changes the queue
// goes through here.
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
#include <string>
#include <thread>
#include <vector>

#include "server/jobs/checked_jobs.h"
#include "server/jobs/job_listener.h"
#include "server/jobs/job_planner.h"
#include "server/jobs/job_report.h"
#include "server/jobs/job_runner.h"
#include "server/jobs/queue_teller.h"
#include "server/jobs/result_files.h"
#include "store/account_store.h"
#include "store/job_store.h"

namespace obscura::server {

// Of one project.
struct QueueState {
  bool paused = false;
  std::int64_t queued = 0;  // jobs that wait, held ones included
  std::int64_t held = 0;
  std::optional<store::JobSummary> running;  // the first of those that run
};

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
    const JobListeners& listeners;
    const HistoryFormat& history;
    std::chrono::milliseconds lease = std::chrono::minutes(1);
  };
  // All borrowed; the listeners are complete before start().
  explicit JobQueue(const Parts& parts);
  ~JobQueue() { stop(); }

  void start();
  // A job that is running is stopped, and stays in the store to run again.
  void stop();

  // As JobStore::submit. `checked`: its checked form, if it has been made. `finished`, if given, is
  // called once the job has come to an end in this process, from the thread that ran or cancelled
  // it.
  Result<double> submit(const store::NewJob& job, std::shared_ptr<const JobToRun> checked = nullptr,
                        std::function<void()> finished = nullptr);
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
  // A finished job has been taken out of the history.
  void tell_removed(const store::JobSummary& job);

  // Null if none is running.
  std::shared_ptr<const JobReport> running() const;
  Result<QueueState> state(const std::string& project) const;

 private:
  void work();
  // Puts jobs that nobody runs any more back into the queue, or ends them: those whose lease has
  // ended, and those of this worker. REQUIRES: it runs none.
  Status take_back();
  // Waits for something to do, which may be that somebody's lease ends; false once the queue stops.
  bool wait();
  void release_if_asked();
  // False if there was no job.
  bool run_next();
  // The first job of the queue, from now on the running one; null if there is none to run.
  Result<std::shared_ptr<JobReport>> take_next();
  std::shared_ptr<JobReport> report_of(store::Job job) const;
  void run(JobReport& report);
  // Nobody runs the job any more.
  void left(const store::Job& job);
  void after_the_end(const store::Job& job);
  void wake();
  // Without effect if the job is gone.
  template <class What>
  void tell(const std::string& project, const std::string& id, What what) const;
  void tell_finished(const std::string& id);

  Parts parts_;
  CheckedJobs checked_;
  JobPlanner planner_;
  QueueTeller teller_;
  std::thread thread_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool stopping_ = false, awake_ = true, paused_ = false;
  bool release_models_ = false, release_results_ = false;
  std::shared_ptr<JobReport> running_;
  std::map<std::string, std::function<void()>> finished_;
};

}  // namespace obscura::server
