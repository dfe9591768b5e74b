// The queue and the history of jobs, in one SQLite file.
//
//   submit -> queued -> claim -> running -> finish -> done | failed | cancelled
//                ^                  |
//                '--- take_back ----'  its worker is gone
//
// What a call has returned from outlives `kill -9` at any moment. A job is claimed by a worker, by
// name, for as long as its lease lasts; the worker renews that while it runs the job. One whose
// lease has ended, or whose worker lives anew, can be taken back and waits again in its old place.
// After kMostAttempts such ends it is for whoever takes it back to finish it, since it may be what
// kills its workers. Each claim has a number, so a worker that was only slow, or a process of the
// same name that still hangs, is told that the job is no longer its own: a job ends once. An id is
// in the store once, whatever happens, so a job is done once in the history.
//
// A submit waits for no disk (synchronous=NORMAL): an fsync for each held a busy disk to a few
// hundred a second. The price is that a power cut may lose what came in the last moments before it.
// Texts (prompt, extra_data, …) are JSON to the server, but only text here.
//
// Jobs belong to projects. What is asked on behalf of somebody names the project, and sees and
// changes nothing of another.
//
// Thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/connection.h"
#include "store/result_store.h"

namespace obscura::store {

enum class JobState { kQueued = 0, kRunning = 1, kDone = 2, kFailed = 3, kCancelled = 4 };

struct NewJob {
  std::string id;
  std::string prompt, extra_data, targets, client_id;
  // Jobs with lower numbers run first, equal ones in the order of arrival. Without a number: how
  // many jobs came before, negated if it goes to the front.
  std::optional<double> number;
  bool front = false;
  bool held = false;  // waits until it is resumed
  std::int64_t created_ms = 0;
  std::string project = kDefaultProject, user = "owner";
  std::string title, source = "comfyui";
  std::string models = "[]";  // a JSON list of names, for the audit log
  std::int64_t node_count = 0;
};

// The right to run a job, until somebody else has it.
struct Claim {
  std::string job, worker;
  std::int64_t number = 0;  // grows with each claim of the job
};

// What lists show of a job: short, and read without its long texts.
struct JobSummary {
  std::string id, project, user;
  double number = 0;
  JobState state = JobState::kQueued;
  bool held = false;
  std::string title, source, client_id;
  std::int64_t node_count = 0, result_count = 0;
  std::int64_t attempts = 0;  // how often it was started
  std::string error;
  std::int64_t created_ms = 0, started_ms = 0, finished_ms = 0;  // since 1970; 0: not yet
  // Of the device's memory: what its plan says it needs at most and may have, and the most that was
  // held while it ran; 0: not known.
  std::int64_t planned_bytes = 0, budget_bytes = 0, peak_bytes = 0;
  std::int64_t sequence = 0;  // grows with each job that comes
  // Who runs it, or ran it last, and until when it may without a word; empty and 0: nobody yet.
  std::string worker;
  std::int64_t lease_ends_ms = 0, claims = 0;

  // By which it runs. REQUIRES: it does.
  Claim claim() const { return {id, worker, claims}; }
};

struct Job : JobSummary {
  std::string prompt, extra_data, targets, models;
  std::string outputs, messages;  // empty until it has finished
};

// What a finished job leaves.
struct Outcome {
  JobState state = JobState::kDone;
  std::string outputs, messages;
  std::int64_t finished_ms = 0;
  std::string error;
  std::vector<NewResult> results;
  std::string audit;  // a JSON object
  std::int64_t peak_bytes = 0;
};

// What has happened since the store was opened.
struct JobCounts {
  std::int64_t submitted = 0, done = 0, failed = 0, cancelled = 0;
  double seconds = 0;  // that those jobs have run which have finished
};

// Which jobs a list holds, and in which order.
enum class JobList {
  kUnfinished,  // running ones, then the others in the order in which they will run
  kQueued,
  kRunning,
  kFinished,  // this one and the following newest first
  kDone,
  kFailed,
  kCancelled,
};

class JobStore {
 public:
  static constexpr std::int64_t kMostAttempts = 3;

  static Result<std::unique_ptr<JobStore>> open(std::shared_ptr<Connection> connection);
  // With a connection of its own. Errors as Connection::open().
  static Result<std::unique_ptr<JobStore>> open(const std::filesystem::path& path);
  ~JobStore();

  // The job's number. kInvalidInput if the id is taken.
  Result<double> submit(const NewJob& job);
  // The first job of the queue that is not held, which `worker` may run for `lease_ms` from now on;
  // none if there is none.
  Result<std::optional<Job>> claim(std::string_view worker, std::int64_t now_ms,
                                   std::int64_t lease_ms);
  // This and the following two: kNotFound, with the name of who has the job now, if this claim is
  // over; then nothing was changed. A lease that has ended is renewed if nobody took the job back.
  Status renew(const Claim& claim, std::int64_t now_ms, std::int64_t lease_ms);
  // REQUIRES: outcome.state is one of the last three.
  Status finish(const Claim& claim, const Outcome& outcome);
  // Puts a running job back, as if it had not been started.
  Status requeue(const Claim& claim);
  // The jobs that nobody runs any more: those whose lease has ended, and those of `worker`, which
  // lives anew. They wait again, but for those that were started kMostAttempts times: these stay as
  // they are, for the caller to finish() by their last claim.
  Result<std::vector<Job>> take_back(std::int64_t now_ms, std::string_view worker = {});
  // When the first lease ends; none if no job runs.
  Result<std::optional<std::int64_t>> first_lease_end() const;

  // Takes queued jobs out of the queue; the others are left alone. How many there were.
  Result<std::size_t> cancel(std::string_view project, std::span<const std::string> ids,
                             std::int64_t now_ms);
  // Of a queued or running job; false if it is neither.
  Result<bool> hold(std::string_view project, std::string_view id, bool held);
  // Puts a queued job right before another queued one of any project, or to the front or the back.
  // kNotFound if one of the two is not queued.
  Status move_before(std::string_view project, std::string_view id, std::string_view other);
  Status move_to_end(std::string_view project, std::string_view id, bool front);
  // A running job, or the first of those that will run next (at most `ahead` of them), that has
  // no plan yet; none if all have.
  Result<std::optional<Job>> next_without_plan(std::int64_t ahead) const;
  // Without bytes, it is known that there can be no plan.
  Status set_plan(std::string_view id, std::optional<std::int64_t> planned_bytes,
                  std::int64_t budget_bytes);
  // Deletes finished jobs and their results; the digests of those.
  Result<std::vector<std::string>> forget(std::string_view project,
                                          std::span<const std::string> ids);
  Result<std::vector<std::string>> forget_all(std::string_view project);

  // Running ones first, the others in the order in which they will run.
  Result<std::vector<Job>> unfinished(std::string_view project) const;
  // The same, one at a time, as texts that are valid during the call alone.
  struct JobView {
    std::string_view id, prompt, extra_data, targets;
    double number;
    bool running;
  };
  Status visit_unfinished(std::string_view project,
                          const std::function<void(const JobView&)>& visit) const;
  // Finished jobs that had been started, oldest first. A negative offset: the newest `most`;
  // otherwise `most` of them from `offset`, counted from the oldest.
  Result<std::vector<Job>> history(std::string_view project, std::optional<std::int64_t> most,
                                   std::int64_t offset) const;
  Result<std::optional<Job>> find(std::string_view project, std::string_view id) const;
  Result<std::vector<JobSummary>> list(std::string_view project, JobList which, std::int64_t most,
                                       std::int64_t offset) const;
  Result<std::int64_t> count(std::string_view project, JobList which) const;
  Result<std::int64_t> count_held(std::string_view project) const;
  Result<std::optional<JobSummary>> summary(std::string_view project, std::string_view id) const;
  // Queued and running.
  std::size_t remaining(std::string_view project) const;
  std::size_t remaining() const;  // of all projects
  // Who sees a job as finished sees it counted.
  JobCounts counts() const;

 private:
  struct Implementation;
  explicit JobStore(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace obscura::store
