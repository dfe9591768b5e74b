// The queue and the history of jobs, in one SQLite file.
//
//   submit -> queued -> start_next -> running -> finish -> done | failed | cancelled
//
// What a call has returned from outlives `kill -9` at any moment. A job that was running when the
// process ended is queued again when the store is opened, in its old place; after kMostAttempts
// such ends it is failed, since it is what kills the process. An id is in the store once, whatever
// happens, so a job is done once in the history.
//
// A submit waits for no disk (synchronous=NORMAL): an fsync for each held a busy disk to a few
// hundred a second. The price is that a power cut may lose what came in the last moments before it.
// Texts (prompt, extra_data, …) are JSON to the server, but only text here.
//
// Thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace obscura::store {

enum class JobState { kQueued = 0, kRunning = 1, kDone = 2, kFailed = 3, kCancelled = 4 };

struct NewJob {
  std::string id;
  std::string prompt, extra_data, targets, client_id;
  // Jobs with lower numbers run first, equal ones in the order of arrival. Without a number: how
  // many jobs came before, negated if it goes to the front.
  std::optional<double> number;
  bool front = false;
  std::int64_t created_ms = 0;
};

struct Job {
  std::string id;
  double number = 0;
  JobState state = JobState::kQueued;
  std::string prompt, extra_data, targets, client_id;
  std::string outputs, messages;                                 // empty until it has finished
  std::int64_t created_ms = 0, started_ms = 0, finished_ms = 0;  // since 1970; 0: not yet
  std::int64_t attempts = 0;                                     // how often it was started
};

// What a finished job leaves.
struct Outcome {
  JobState state = JobState::kDone;
  std::string outputs, messages;
  std::int64_t finished_ms = 0;
};

class JobStore {
 public:
  static constexpr std::int64_t kMostAttempts = 3;

  // Creates the file if there is none, and brings an older one up to date. kIo if another process
  // has it open or the disk refuses; kCorrupt if it is damaged; kUnsupported if a newer version of
  // the program wrote it.
  static Result<std::unique_ptr<JobStore>> open(const std::filesystem::path& path);
  ~JobStore();

  // The job's number. kInvalidInput if the id is taken.
  Result<double> submit(const NewJob& job);
  // Makes the first job of the queue the running one; none if the queue is empty.
  Result<std::optional<Job>> start_next(std::int64_t now_ms);
  // REQUIRES: outcome.state is one of the last three. Without effect if the job is not running.
  Status finish(std::string_view id, const Outcome& outcome);
  // Puts a running job back, as if it had not been started.
  Status requeue(std::string_view id);

  // Takes queued jobs out of the queue; the others are left alone. How many there were.
  Result<std::size_t> cancel(std::span<const std::string> ids, std::int64_t now_ms);
  Result<std::size_t> cancel_all(std::int64_t now_ms);
  // Deletes finished jobs.
  Status forget(std::span<const std::string> ids);
  Status forget_all();

  // The running one first, the others in the order in which they will run.
  Result<std::vector<Job>> unfinished() const;
  // Finished jobs that had been started, oldest first. A negative offset: the newest `most`;
  // otherwise `most` of them from `offset`, counted from the oldest.
  Result<std::vector<Job>> history(std::optional<std::int64_t> most, std::int64_t offset) const;
  Result<std::optional<Job>> find(std::string_view id) const;
  // Queued and running.
  std::size_t remaining() const;

 private:
  struct Implementation;
  explicit JobStore(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace obscura::store
