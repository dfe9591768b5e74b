// One running job: tells the listeners what the executor says of it, and records its end.
//
// Used by the thread that runs the job; progress_so_far() and the tokens from any.
#pragma once

#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "server/jobs/job_listener.h"
#include "server/jobs/job_runner.h"
#include "server/jobs/lease_keeper.h"
#include "server/jobs/made_file.h"
#include "server/jobs/result_files.h"
#include "store/job_store.h"
#include "store/result_store.h"

namespace obscura::server {

class JobReport final : public RunObserver {
 public:
  struct Surroundings {
    store::JobStore& store;
    const JobListeners& listeners;
    const HistoryFormat& history;
    const store::ResultStore& results;
    const ResultFiles& files;
    const Studio& studio;
    const JobRunner& runner;
  };
  // All borrowed. The listeners hear nothing of how the job ended before it is in the store.
  JobReport(store::Job job, const Surroundings& around);
  // REQUIRES: it does not run yet.
  void leave_previews_out() { previews_ = false; }

  const store::Job& job() const { return job_; }
  const std::string& id() const { return job_.id; }
  const std::string& client() const { return job_.client_id; }
  const std::string& project() const { return job_.project; }
  std::int64_t started_ms() const { return job_.started_ms; }

  // Where the job is.
  struct Progress {
    std::string node;  // empty: before the first
    std::int64_t value = 0, max = 0;
    std::string preview;  // the last one, if any was made
  };
  Progress progress_so_far() const;
  const CancelToken& cancel_token() const { return cancel_; }
  // Stops the job without an end: the program stops, or another worker has the job now.
  void abandon() {
    abandoned_.cancel();
    cancel_.cancel();
  }
  bool abandoned() const { return abandoned_.cancelled(); }

  // abandon(), and the job waits to be resumed.
  void hold() {
    held_.cancel();
    abandon();
  }
  bool held() const { return held_.cancelled(); }

  // The lease is renewed until it is let go, which the end of the job does too; if it is lost, the
  // job is abandoned.
  void keep_lease(std::chrono::milliseconds lease);
  void let_lease_go() { lease_.reset(); }
  // Ends a job that was started too often by workers that did not come to its end. Without effect
  // if the store cannot be written.
  void give_up();
  // Whether its end is in the store.
  bool ended() const { return ended_; }
  // Ends a job of which the executor said nothing: it did not get as far as running.
  void end(const Status& status);

  bool wants_previews() const override;
  void started() override;
  void cached(const std::vector<std::string>& nodes) override;
  void executing(const graph::NodeRef& node) override;
  void progress(const graph::NodeRef& node, std::int64_t value, std::int64_t max) override;
  void preview(const graph::NodeRef& node, std::span<const std::byte> image,
               std::string_view mime) override;
  void warned(const graph::NodeRef& node, const std::string& text) override;
  void executed(const graph::NodeRef& node, const nlohmann::json& ui, double seconds) override;
  Result<PlacedFile> made(const MadeFile& file) override;
  void failed(const graph::RunFailure& failure) override;
  void interrupted(const graph::NodeRef& node, const std::vector<std::string>& executed) override;
  void succeeded() override;

 private:
  template <class What>
  JobEvent event(What what) const {
    return event_of(job_, std::move(what));
  }
  template <class What>
  void tell(What what) const {
    around_.listeners.tell(event(std::move(what)));
  }
  // The same, and the history keeps it.
  void tell_and_keep(JobEvent event);
  // Of a job that ends now.
  store::Outcome outcome_of(store::JobState state) const;
  // Puts the end into the store and tells it, unless another worker has the job now.
  void record(JobEvent end, store::Outcome outcome);
  Status store_end(const store::Outcome& outcome) const;
  // Of the images that its nodes have shown, in the order of the nodes' ids.
  std::vector<store::NewResult> results_shown() const;
  Result<store::NewResult> result_of(const std::string& node, const PlacedFile& image) const;
  void forget_what_was_not_shown(const std::vector<store::NewResult>& shown) const;
  std::string audit_detail(const std::vector<store::NewResult>& results) const;

  store::Job job_;
  bool previews_ = true;
  Surroundings around_;
  CancelToken cancel_, abandoned_, held_;
  std::optional<LeaseKeeper> lease_;
  bool ended_ = false;
  nlohmann::json outputs_ = nlohmann::json::object();
  std::vector<JobEvent> course_;  // what the history keeps
  std::vector<store::NewResult> made_;
  mutable std::mutex mutex_;
  Progress progress_;  // guarded by mutex_
};

}  // namespace obscura::server
