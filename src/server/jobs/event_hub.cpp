#include "server/jobs/event_hub.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "server/net/limits.h"
#include "server/net/text.h"

namespace obscura::server {
namespace {

using nlohmann::json;

constexpr std::uint32_t kPreview = 1, kPreviewWithMetadata = 4;
constexpr std::uint32_t kJpeg = 1, kPng = 2;

std::string message(std::string_view type, const json& data) {
  return text_of(json{{"type", type}, {"data", data}});
}

void append_u32(std::string& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
}

std::string frame(std::uint32_t event, std::string_view head, std::span<const std::byte> image) {
  std::string bytes;
  bytes.reserve(8 + head.size() + image.size());
  append_u32(bytes, event);
  bytes += head;
  bytes.append(reinterpret_cast<const char*>(image.data()), image.size());
  return bytes;
}

}  // namespace

void EventHub::attach(Transport* transport) {
  std::lock_guard lock(mutex_);
  transport_ = transport;
}

void EventHub::opened(SocketId socket, const std::string& project, const std::string& client) {
  std::lock_guard lock(mutex_);
  const Name name(project, client);
  if (auto before = sockets_.find(name); before != sockets_.end()) {
    clients_.erase(before->second);
    if (transport_ != nullptr) transport_->close(before->second);
  }
  sockets_[name] = socket;
  clients_[socket] = {project, client, false, false};
}

void EventHub::opened_own(SocketId socket, const std::string& project) {
  std::lock_guard lock(mutex_);
  clients_[socket] = {project, "", true, false};
}

void EventHub::received(SocketId socket, std::string_view text) {
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
  send_to(socket, "feature_flags", server_features());
}

void EventHub::closed(SocketId socket) {
  std::lock_guard lock(mutex_);
  auto found = clients_.find(socket);
  if (found == clients_.end()) return;
  if (!found->second.own) sockets_.erase(Name(found->second.project, found->second.id));
  clients_.erase(found);
}

bool EventHub::watched(const std::string& project, const std::string& client) const {
  std::lock_guard lock(mutex_);
  if (!client.empty()) return sockets_.contains(Name(project, client));
  return std::any_of(clients_.begin(), clients_.end(), [&](const auto& entry) {
    return !entry.second.own && entry.second.project == project;
  });
}

bool EventHub::watched_own(const std::string& project) const {
  std::lock_guard lock(mutex_);
  return std::any_of(clients_.begin(), clients_.end(), [&](const auto& entry) {
    return entry.second.own && entry.second.project == project;
  });
}

std::size_t EventHub::count() const {
  std::lock_guard lock(mutex_);
  return clients_.size();
}

void EventHub::send_to(SocketId socket, std::string_view type, const json& data) {
  std::lock_guard lock(mutex_);
  if (transport_ != nullptr) transport_->send_text(socket, message(type, data));
}

void EventHub::send(const std::string& project, const std::string& client, WithoutClient otherwise,
                    std::string_view type, const json& data) {
  if (client.empty()) {
    if (otherwise == WithoutClient::kEverybody) broadcast(project, type, data);
    return;
  }
  std::lock_guard lock(mutex_);
  auto found = sockets_.find(Name(project, client));
  if (found != sockets_.end() && transport_ != nullptr) {
    transport_->send_text(found->second, message(type, data));
  }
}

void EventHub::broadcast(const std::string& project, std::string_view type, const json& data) {
  std::lock_guard lock(mutex_);
  if (transport_ == nullptr) return;
  std::string text;
  for (const auto& [socket, client] : clients_) {
    if (client.own || client.project != project) continue;
    if (text.empty()) text = message(type, data);
    transport_->send_text(socket, text);
  }
}

void EventHub::tell(const std::string& project, const json& event) {
  std::lock_guard lock(mutex_);
  if (transport_ == nullptr) return;
  std::string text;
  for (const auto& [socket, client] : clients_) {
    if (!client.own || client.project != project) continue;
    if (text.empty()) text = text_of(event);
    transport_->send_text(socket, text);
  }
}

void EventHub::tell_to(SocketId socket, const json& event) {
  std::lock_guard lock(mutex_);
  if (transport_ != nullptr) transport_->send_text(socket, text_of(event));
}

void EventHub::preview(const std::string& project, const std::string& client, const json& metadata,
                       std::string_view mime, std::span<const std::byte> image) {
  std::string plain_head, long_head;
  append_u32(plain_head, mime == "image/png" ? kPng : kJpeg);
  json with_type = metadata;
  with_type["image_type"] = mime;
  const std::string text = text_of(with_type);
  append_u32(long_head, static_cast<std::uint32_t>(text.size()));
  long_head += text;

  std::lock_guard lock(mutex_);
  if (transport_ == nullptr) return;
  for (const auto& [socket, known] : clients_) {
    if (known.own || known.project != project) continue;
    if (!client.empty() && known.id != client) continue;
    transport_->send_preview(socket, known.preview_metadata
                                         ? frame(kPreviewWithMetadata, long_head, image)
                                         : frame(kPreview, plain_head, image));
  }
}

json server_features() {
  return {{"supports_preview_metadata", true}, {"max_upload_size", kMaxUploadBytes}};
}

}  // namespace obscura::server
