#include "server/comfyui/client_sockets.h"

#include <algorithm>

#include "server/net/limits.h"

namespace obscura::server {

using nlohmann::json;

void ClientSockets::attach(Transport* transport) {
  std::lock_guard lock(mutex_);
  transport_ = transport;
}

void ClientSockets::opened(SocketId socket, const std::string& project, const std::string& client) {
  std::lock_guard lock(mutex_);
  const Name name(project, client);
  if (auto before = sockets_.find(name); before != sockets_.end()) {
    clients_.erase(before->second);
    if (transport_ != nullptr) transport_->close(before->second);
  }
  sockets_[name] = socket;
  clients_[socket] = {project, client, false};
}

void ClientSockets::received(SocketId socket, std::string_view text) {
  const json message = json::parse(text, nullptr, false);
  if (!message.is_object() || message.value("type", json()) != "feature_flags") return;
  const json flags = message.value("data", json::object());
  if (!flags.is_object()) return;
  {
    std::lock_guard lock(mutex_);
    auto found = clients_.find(socket);
    if (found == clients_.end()) return;
    found->second.preview_metadata = flags.value("supports_preview_metadata", json()) == true;
  }
  send_to(socket, {"feature_flags", server_features()});
}

void ClientSockets::closed(SocketId socket) {
  std::lock_guard lock(mutex_);
  auto found = clients_.find(socket);
  if (found == clients_.end()) return;
  sockets_.erase(Name(found->second.project, found->second.id));
  clients_.erase(found);
}

bool ClientSockets::watched(const std::string& project, const std::string& client) const {
  std::lock_guard lock(mutex_);
  if (!client.empty()) return sockets_.contains(Name(project, client));
  return std::any_of(clients_.begin(), clients_.end(),
                     [&](const auto& entry) { return entry.second.project == project; });
}

std::size_t ClientSockets::count() const {
  std::lock_guard lock(mutex_);
  return clients_.size();
}

void ClientSockets::send_to(SocketId socket, const ClientMessage& message) {
  std::lock_guard lock(mutex_);
  if (transport_ != nullptr) transport_->send_text(socket, message.text());
}

void ClientSockets::send(const std::string& project, const std::string& client,
                         const ClientMessage& message) {
  if (client.empty()) {
    if (message.without_client == WithoutClient::kEverybody) broadcast(project, message);
    return;
  }
  std::lock_guard lock(mutex_);
  auto found = sockets_.find(Name(project, client));
  if (found != sockets_.end() && transport_ != nullptr) {
    transport_->send_text(found->second, message.text());
  }
}

void ClientSockets::broadcast(const std::string& project, const ClientMessage& message) {
  std::lock_guard lock(mutex_);
  if (transport_ == nullptr) return;
  std::string text;
  for (const auto& [socket, client] : clients_) {
    if (client.project != project) continue;
    if (text.empty()) text = message.text();
    transport_->send_text(socket, text);
  }
}

void ClientSockets::send_preview(const std::string& project, const std::string& client,
                                 const PreviewFrames& frames) {
  std::lock_guard lock(mutex_);
  if (transport_ == nullptr) return;
  std::string plain, with_metadata;
  for (const auto& [socket, known] : clients_) {
    if (known.project != project) continue;
    if (!client.empty() && known.id != client) continue;
    std::string& frame = known.preview_metadata ? with_metadata : plain;
    if (frame.empty()) frame = known.preview_metadata ? frames.with_metadata() : frames.plain();
    transport_->send_preview(socket, frame);
  }
}

json server_features() {
  return {{"supports_preview_metadata", true}, {"max_upload_size", kMaxUploadBytes}};
}

}  // namespace obscura::server
