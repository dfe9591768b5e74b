#include "server/job_report.h"

#include <chrono>

#include "base/log.h"

namespace obscura::server {
namespace {

using nlohmann::json;

const char* name_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidInput:
      return "invalid_input";
    case ErrorKind::kNotFound:
      return "not_found";
    case ErrorKind::kCorrupt:
      return "corrupt";
    case ErrorKind::kUnsupported:
      return "unsupported";
    case ErrorKind::kOutOfMemory:
      return "out_of_memory";
    case ErrorKind::kIo:
      return "io";
    case ErrorKind::kCancelled:
      return "cancelled";
    case ErrorKind::kNumeric:
      return "numeric";
    case ErrorKind::kInternal:
      return "internal";
  }
  return "internal";
}

std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

JobReport::JobReport(const store::Job& job, bool previews, store::JobStore& store, EventHub& hub)
    : job_(job), previews_(previews), store_(store), hub_(hub) {}

std::string JobReport::running_node() const {
  std::lock_guard lock(mutex_);
  return running_node_;
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
  return previews_ && hub_.watched(job_.client_id);
}

void JobReport::started() {
  const json data = stamped();
  remember("execution_start", data);
  hub_.send(job_.client_id, WithoutClient::kNobody, "execution_start", data);
}

void JobReport::cached(const std::vector<std::string>& nodes) {
  json data = stamped();
  data["nodes"] = nodes;
  remember("execution_cached", data);
  hub_.send(job_.client_id, WithoutClient::kNobody, "execution_cached", data);
}

void JobReport::executing(const graph::NodeRef& node) {
  {
    std::lock_guard lock(mutex_);
    running_node_ = node.id;
  }
  hub_.send(job_.client_id, WithoutClient::kNobody, "executing", node_message(node.id));
  set_progress(node.id, 0, 1, "running");
}

void JobReport::progress(const graph::NodeRef& node, std::int64_t value, std::int64_t max) {
  json data = base();
  data["node"] = node.id;
  data["value"] = value;
  data["max"] = max;
  hub_.send(job_.client_id, WithoutClient::kEverybody, "progress", data);
  set_progress(node.id, value, max, "running");
}

void JobReport::preview(const graph::NodeRef& node, std::span<const std::byte> picture,
                        std::string_view mime) {
  json metadata = base();
  metadata["node_id"] = metadata["display_node_id"] = metadata["real_node_id"] = node.id;
  metadata["parent_node_id"] = nullptr;
  hub_.preview(job_.client_id, metadata, mime, picture);
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
  hub_.send(job_.client_id, WithoutClient::kNobody, "executed", data);
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
  hub_.send(job_.client_id, WithoutClient::kEverybody, "progress_state", data);
}

void JobReport::record(store::JobState state) {
  ended_ = true;
  Status stored = store_.finish(job_.id, {state, text_of(outputs_), text_of(messages_), now_ms()});
  if (!stored.ok()) {
    log::error("the end of job {} is not recorded, so it will run again at the next start: {}",
               job_.id, stored.error().message());
  }
}

void JobReport::fail(json data) {
  remember("execution_error", data);
  record(store::JobState::kFailed);
  hub_.send(job_.client_id, WithoutClient::kNobody, "execution_error", data);
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
  fail(std::move(data));
}

void JobReport::interrupted(const graph::NodeRef& node, const std::vector<std::string>& executed) {
  if (abandoned()) return;
  json data = stamped();
  data["node_id"] = node.id;
  data["node_type"] = node.type;
  data["executed"] = executed;
  remember("execution_interrupted", data);
  record(store::JobState::kCancelled);
  hub_.send(job_.client_id, WithoutClient::kEverybody, "execution_interrupted", data);
}

void JobReport::succeeded() {
  const json data = stamped();
  remember("execution_success", data);
  record(store::JobState::kDone);
  hub_.send(job_.client_id, WithoutClient::kNobody, "execution_success", data);
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
  hub_.send(job_.client_id, WithoutClient::kNobody, "executing", data);
}

}  // namespace obscura::server
