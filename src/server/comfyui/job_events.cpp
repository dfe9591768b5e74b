#include "server/comfyui/job_events.h"

#include <variant>

namespace obscura::server {
namespace {

template <class What>
bool is(const JobEvent& event) {
  return std::holds_alternative<What>(event.what);
}

}  // namespace

void ComfyUiJobEvents::tell(const JobEvent& event) {
  if (const auto* preview = std::get_if<NodePreview>(&event.what)) {
    return sockets_.send_preview(event.project, event.client, PreviewFrames(event, *preview));
  }
  const auto message = message_of(event), states = update_states(event);
  // A node is shown as over before it is said what came of it.
  const bool over = is<NodeExecuted>(event) || is<JobFailed>(event);
  send(event, over ? states : message);
  send(event, over ? message : states);
}

void ComfyUiJobEvents::send(const JobEvent& event, const std::optional<ClientMessage>& message) {
  if (message) sockets_.send(event.project, event.client, *message);
}

std::optional<ClientMessage> ComfyUiJobEvents::update_states(const JobEvent& event) {
  std::lock_guard lock(mutex_);
  if (is<JobClaimed>(event)) states_[event.job] = {};
  auto states = states_.find(event.job);
  if (states == states_.end()) return std::nullopt;
  auto message = states->second.update(event);
  if (is<JobLeft>(event) || is<JobTakenBack>(event)) states_.erase(states);
  return message;
}

void ComfyUiJobEvents::tell_queue(const std::string& project) {
  sockets_.broadcast(project, {"status", queue_status(jobs_.remaining(project))});
}

bool ComfyUiJobEvents::wants_previews(const std::string& project, const std::string& client) const {
  return sockets_.watched(project, client);
}

void ComfyUiJobEvents::greet(SocketId socket, const std::string& project, const std::string& client,
                             const JobQueue& queue) const {
  nlohmann::json status = queue_status(jobs_.remaining(project));
  status["sid"] = client;
  sockets_.send_to(socket, {"status", std::move(status)});
  const auto running = queue.running();
  if (!running || running->project() != project || running->client() != client) return;
  const std::string node = running->progress_so_far().node;
  if (!node.empty()) sockets_.send_to(socket, {"executing", {{"node", node}}});
}

}  // namespace obscura::server
