#include "server/api/event_sockets.h"

#include <algorithm>

#include "server/net/text.h"

namespace obscura::server {

using nlohmann::json;

void EventSockets::attach(Transport* transport) {
  std::lock_guard lock(mutex_);
  transport_ = transport;
}

void EventSockets::opened(SocketId socket, const std::string& project) {
  std::lock_guard lock(mutex_);
  projects_[socket] = project;
}

void EventSockets::closed(SocketId socket) {
  std::lock_guard lock(mutex_);
  projects_.erase(socket);
}

bool EventSockets::watched(const std::string& project) const {
  std::lock_guard lock(mutex_);
  return std::any_of(projects_.begin(), projects_.end(),
                     [&](const auto& entry) { return entry.second == project; });
}

std::size_t EventSockets::count() const {
  std::lock_guard lock(mutex_);
  return projects_.size();
}

void EventSockets::send_to(SocketId socket, const json& message) {
  std::lock_guard lock(mutex_);
  if (transport_ != nullptr) transport_->send_text(socket, text_of(message));
}

void EventSockets::send(const std::string& project, const json& message) {
  std::lock_guard lock(mutex_);
  if (transport_ == nullptr) return;
  std::string text;
  for (const auto& [socket, own] : projects_) {
    if (own != project) continue;
    if (text.empty()) text = text_of(message);
    transport_->send_text(socket, text);
  }
}

}  // namespace obscura::server
