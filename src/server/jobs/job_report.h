// One running job: turns what the executor tells into ComfyUI's messages, and gathers what the
// history keeps of it.
//
// Used by the thread that runs the job; progress_so_far() and the tokens from any.
#pragma once

#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "graph/observer.h"
#include "server/jobs/event_hub.h"
#include "server/jobs/job_json.h"
#include "server/jobs/job_runner.h"
#include "server/jobs/lease_keeper.h"
#include "server/jobs/result_files.h"
#include "store/job_store.h"

namespace obscura::server {

class JobReport final : public graph::Observer {
 public:
  struct Surroundings {
    store::JobStore& store;
    EventHub& hub;
    const ResultFiles& files;
    const Studio& studio;
    const JobRunner& runner;
  };
  // All borrowed. The hub sees nothing of how the job ended before it is in the store.
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
  // Ends a job that was started too often by workers that did not come to its end.
  void give_up();
  // Whether its end is in the store.
  bool ended() const { return ended_; }
  // Ends a job of which the executor said nothing: it did not get as far as running.
  void end(const Status& status);
  // The last message about it. REQUIRES: it has ended.
  void say_over();

  bool wants_previews() const override;
  void started() override;
  void cached(const std::vector<std::string>& nodes) override;
  void executing(const graph::NodeRef& node) override;
  void progress(const graph::NodeRef& node, std::int64_t value, std::int64_t max) override;
  void preview(const graph::NodeRef& node, std::span<const std::byte> image,
               std::string_view mime) override;
  void warned(const graph::NodeRef& node, const std::string& text) override;
  void executed(const graph::NodeRef& node, const nlohmann::json& ui, double seconds) override;
  void failed(const graph::RunFailure& failure) override;
  void interrupted(const graph::NodeRef& node, const std::vector<std::string>& executed) override;
  void succeeded() override;

 private:
  nlohmann::json base() const;
  // base() with the time.
  nlohmann::json stamped() const;
  nlohmann::json node_message(const std::string& node) const;
  void remember(std::string_view type, const nlohmann::json& data);
  void set_progress(const std::string& node, std::int64_t value, std::int64_t max,
                    const char* state);
  // False if another worker has the job now.
  bool record(store::Outcome outcome);
  std::vector<store::NewResult> adopt_results() const;
  std::string audit_detail(const std::vector<store::NewResult>& results) const;
  // Of a job that ends now.
  store::Outcome outcome_of(store::JobState state) const;
  void fail(nlohmann::json data, store::Outcome outcome);
  void send(WithoutClient otherwise, std::string_view type, const nlohmann::json& data);

  store::Job job_;
  bool previews_ = true;
  Surroundings around_;
  CancelToken cancel_, abandoned_, held_;
  std::optional<LeaseKeeper> lease_;
  bool ended_ = false;
  nlohmann::json outputs_ = nlohmann::json::object();
  nlohmann::json messages_ = nlohmann::json::array();
  nlohmann::json nodes_ = nlohmann::json::object();  // of progress_state
  mutable std::mutex mutex_;
  Progress progress_;  // guarded by mutex_
};

}  // namespace obscura::server
