#include "server/jobs/job_report.h"

#include <chrono>
#include <thread>

#include "base/error_name.h"
#include "base/log.h"
#include "server/net/text.h"

namespace obscura::server {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kBetweenRecords{200};

}  // namespace

JobReport::JobReport(store::Job job, const Surroundings& around)
    : job_(std::move(job)), around_(around) {}

JobReport::Progress JobReport::progress_so_far() const {
  std::lock_guard lock(mutex_);
  return progress_;
}

void JobReport::send(WithoutClient otherwise, std::string_view type, const json& data) {
  around_.hub.send(job_.project, job_.client_id, otherwise, type, data);
}

json JobReport::base() const {
  return {{"prompt_id", job_.id}};
}

json JobReport::stamped() const {
  json data = base();
  data["timestamp"] = now_ms();
  return data;
}

json JobReport::node_message(const std::string& node) const {
  json data = base();
  data["node"] = node;
  data["display_node"] = node;
  return data;
}

void JobReport::remember(std::string_view type, const json& data) {
  messages_.push_back({type, data});
}

bool JobReport::wants_previews() const {
  return previews_ && around_.hub.watched(job_.project, job_.client_id);
}

void JobReport::started() {
  const json data = stamped();
  remember("execution_start", data);
  send(WithoutClient::kNobody, "execution_start", data);
}

void JobReport::cached(const std::vector<std::string>& nodes) {
  json data = stamped();
  data["nodes"] = nodes;
  remember("execution_cached", data);
  send(WithoutClient::kNobody, "execution_cached", data);
}

void JobReport::executing(const graph::NodeRef& node) {
  {
    std::lock_guard lock(mutex_);
    progress_.node = node.id;
    progress_.value = progress_.max = 0;
  }
  send(WithoutClient::kNobody, "executing", node_message(node.id));
  if (around_.hub.watched_own(job_.project)) {
    around_.hub.tell(
        job_.project,
        {{"type", "progress"}, {"id", job_.id}, {"node", node.id}, {"value", 0}, {"max", 0}});
  }
  set_progress(node.id, 0, 1, "running");
}

void JobReport::progress(const graph::NodeRef& node, std::int64_t value, std::int64_t max) {
  {
    std::lock_guard lock(mutex_);
    progress_.value = value;
    progress_.max = max;
  }
  if (around_.hub.watched_own(job_.project)) {
    around_.hub.tell(
        job_.project,
        {{"type", "progress"}, {"id", job_.id}, {"node", node.id}, {"value", value}, {"max", max}});
  }
  json data = base();
  data["node"] = node.id;
  data["value"] = value;
  data["max"] = max;
  send(WithoutClient::kEverybody, "progress", data);
  set_progress(node.id, value, max, "running");
}

void JobReport::preview(const graph::NodeRef& node, std::span<const std::byte> image,
                        std::string_view mime) {
  json metadata = base();
  metadata["node_id"] = metadata["display_node_id"] = metadata["real_node_id"] = node.id;
  metadata["parent_node_id"] = nullptr;
  around_.hub.preview(job_.project, job_.client_id, metadata, mime, image);
  std::lock_guard lock(mutex_);
  progress_.preview.assign(reinterpret_cast<const char*>(image.data()), image.size());
}

void JobReport::warned(const graph::NodeRef& node, const std::string& text) {
  log::warn("job {}: {}: {}", job_.id, node.describe(), text);
}

void JobReport::executed(const graph::NodeRef& node, const json& ui, double) {
  if (auto known = nodes_.find(node.id); known != nodes_.end()) {
    const std::int64_t max = (*known)["max"];
    set_progress(node.id, max, max, "finished");
  }
  if (ui.is_null()) return;
  outputs_[node.id] = ui;
  json data = node_message(node.id);
  data["output"] = ui;
  send(WithoutClient::kNobody, "executed", data);
}

void JobReport::set_progress(const std::string& node, std::int64_t value, std::int64_t max,
                             const char* state) {
  nodes_[node] = {{"value", value},
                  {"max", max},
                  {"state", state},
                  {"node_id", node},
                  {"prompt_id", job_.id},
                  {"display_node_id", node},
                  {"parent_node_id", nullptr},
                  {"real_node_id", node}};
  json data = base();
  data["nodes"] = nodes_;
  send(WithoutClient::kEverybody, "progress_state", data);
}

std::vector<store::NewResult> JobReport::adopt_results() const {
  std::vector<store::NewResult> results;
  auto text = [](const json& image, const char* key) {
    auto found = image.find(key);
    return found != image.end() && found->is_string() ? found->get<std::string>() : "";
  };
  for (const auto& [node, ui] : outputs_.items()) {
    auto images = ui.find("images");
    if (images == ui.end() || !images->is_array()) continue;
    for (const json& image : *images) {
      if (!image.is_object() || text(image, "type") != "output") continue;
      auto result = around_.files.adopt(job_.project, node, text(image, "subfolder"),
                                        text(image, "filename"));
      if (result.ok()) {
        results.push_back(std::move(result).value());
      } else {
        log::warn("a result of job {} is not kept: {}", job_.id, result.error().message());
      }
    }
  }
  return results;
}

std::string JobReport::audit_detail(const std::vector<store::NewResult>& results) const {
  json models = json::object(), digests = json::array();
  for (const json& name : json::parse(job_.models, nullptr, false))
    if (name.is_string()) models[name] = around_.studio.model_digest(job_.project, name);
  for (const store::NewResult& result : results) digests.push_back(result.digest);
  return text_of(json{{"models", models}, {"results", digests}});
}

void JobReport::keep_lease(std::chrono::milliseconds lease) {
  lease_.emplace(around_.store, job_.claim(), lease, [this] { abandon(); });
}

bool JobReport::record(store::Outcome outcome) {
  let_lease_go();
  outcome.outputs = text_of(outputs_);
  outcome.messages = text_of(messages_);
  outcome.results = adopt_results();
  outcome.audit = audit_detail(outcome.results);
  auto may_pass = [](const Status& status) {
    return !status.ok() && (status.error().kind() == ErrorKind::kDiskFull ||
                            status.error().kind() == ErrorKind::kIo);
  };
  Status stored = around_.store.finish(job_.claim(), outcome);
  if (!stored.ok()) {
    log::error("the end of job {} is not recorded: {}", job_.id, stored.error().message());
  }
  // A full disk may be emptied, and until then no other job could be recorded either. If the
  // program ends first, the job runs again at the next start.
  while (may_pass(stored) && !abandoned()) {
    std::this_thread::sleep_for(kBetweenRecords);
    stored = around_.store.finish(job_.claim(), outcome);
  }
  const bool lost = !stored.ok() && stored.error().kind() == ErrorKind::kNotFound;
  if (lost) abandon();
  ended_ = !lost;
  return ended_;
}

store::Outcome JobReport::outcome_of(store::JobState state) const {
  store::Outcome outcome;
  outcome.state = state;
  outcome.finished_ms = now_ms();
  outcome.peak_bytes = around_.runner.peak_bytes();
  return outcome;
}

void JobReport::fail(json data, store::Outcome outcome) {
  remember("execution_error", data);
  outcome.error = data["exception_message"];
  if (record(std::move(outcome))) send(WithoutClient::kNobody, "execution_error", data);
}

void JobReport::give_up() {
  json data = base();
  data["exception_type"] = "crash";
  data["exception_message"] = "the program ended each time it ran this job";
  store::Outcome outcome;
  outcome.state = store::JobState::kFailed;
  outcome.finished_ms = job_.started_ms;  // how long it ran is not known
  fail(std::move(data), std::move(outcome));
}

void JobReport::failed(const graph::RunFailure& failure) {
  if (abandoned()) return;
  if (!failure.node.id.empty()) {
    const auto known = nodes_.find(failure.node.id);
    const std::int64_t value = known == nodes_.end() ? 0 : (*known)["value"].get<std::int64_t>();
    const std::int64_t max = known == nodes_.end() ? 1 : (*known)["max"].get<std::int64_t>();
    set_progress(failure.node.id, value, max, "error");
  }
  json data = stamped();
  data["node_id"] = failure.node.id;
  data["node_type"] = failure.node.type;
  data["executed"] = failure.executed;
  data["exception_message"] = failure.error.message();
  data["exception_type"] = name_of(failure.error.kind());
  data["traceback"] = json::array();
  data["current_inputs"] = failure.inputs.is_null() ? json::object() : failure.inputs;
  data["current_outputs"] = failure.executed;
  fail(std::move(data), outcome_of(store::JobState::kFailed));
}

void JobReport::interrupted(const graph::NodeRef& node, const std::vector<std::string>& executed) {
  if (abandoned()) return;
  json data = stamped();
  data["node_id"] = node.id;
  data["node_type"] = node.type;
  data["executed"] = executed;
  remember("execution_interrupted", data);
  if (record(outcome_of(store::JobState::kCancelled)))
    send(WithoutClient::kEverybody, "execution_interrupted", data);
}

void JobReport::succeeded() {
  const json data = stamped();
  remember("execution_success", data);
  if (record(outcome_of(store::JobState::kDone)))
    send(WithoutClient::kNobody, "execution_success", data);
}

void JobReport::end(const Status& status) {
  if (ended_ || abandoned()) return;
  if (status.ok()) return succeeded();
  if (status.error().kind() == ErrorKind::kCancelled) return interrupted({}, {});
  failed({.node = {}, .error = status.error(), .executed = {}, .inputs = {}});
}

void JobReport::say_over() {
  json data = base();
  data["node"] = nullptr;
  data["display_node"] = nullptr;
  send(WithoutClient::kNobody, "executing", data);
}

}  // namespace obscura::server
