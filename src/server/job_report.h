// One running job: turns what the executor tells into ComfyUI's messages, and gathers what the
// history keeps of it.
//
// Used by the thread that runs the job; running_node() from any.
#pragma once

#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "graph/observer.h"
#include "server/event_hub.h"
#include "store/job_store.h"

namespace obscura::server {

class JobReport final : public graph::Observer {
 public:
  // All borrowed. `hub` sees nothing of how the job ended before it is in the store.
  JobReport(const store::Job& job, bool previews, store::JobStore& store, EventHub& hub);

  const std::string& id() const { return job_.id; }
  const std::string& client() const { return job_.client_id; }
  std::string running_node() const;
  const CancelToken& cancel_token() const { return cancel_; }
  // From now on the job's end is not recorded: the program stops, and the job is to run again.
  void abandon() { abandoned_.cancel(); }
  bool abandoned() const { return abandoned_.cancelled(); }

  // Ends a job of which the executor said nothing: it did not get as far as running.
  void end(const Status& status);
  // The last message about it. REQUIRES: it has ended.
  void say_over();

  bool wants_previews() const override;
  void started() override;
  void cached(const std::vector<std::string>& nodes) override;
  void executing(const graph::NodeRef& node) override;
  void progress(const graph::NodeRef& node, std::int64_t value, std::int64_t max) override;
  void preview(const graph::NodeRef& node, std::span<const std::byte> picture,
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
  void record(store::JobState state);
  void fail(nlohmann::json data);

  store::Job job_;
  bool previews_;
  store::JobStore& store_;
  EventHub& hub_;
  CancelToken cancel_, abandoned_;
  bool ended_ = false;
  nlohmann::json outputs_ = nlohmann::json::object();
  nlohmann::json messages_ = nlohmann::json::array();
  nlohmann::json nodes_ = nlohmann::json::object();  // of progress_state
  mutable std::mutex mutex_;
  std::string running_node_;  // guarded by mutex_
};

// Milliseconds since 1970.
std::int64_t now_ms();

}  // namespace obscura::server
