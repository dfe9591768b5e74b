// The WebSockets of clients, by client id, and ComfyUI's messages to them.
//
// A job's messages go to the client that submitted it. Of a job without a client, each message goes
// to everybody or to nobody, as in ComfyUI.
//
// Thread safe.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "server/transport.h"

namespace obscura::server {

enum class WithoutClient { kNobody, kEverybody };

class EventHub {
 public:
  // Before anything else; borrowed. Null: messages go nowhere.
  void attach(Transport* transport);

  // A newer socket of the same client takes over from the one before.
  void opened(SocketId socket, const std::string& client);
  // A client's message: only `feature_flags` means something.
  void received(SocketId socket, std::string_view text);
  void closed(SocketId socket);

  bool watched(const std::string& client) const;
  void send_to(SocketId socket, std::string_view type, const nlohmann::json& data);
  void send(const std::string& client, WithoutClient otherwise, std::string_view type,
            const nlohmann::json& data);
  void broadcast(std::string_view type, const nlohmann::json& data);
  // ComfyUI's binary frames: 4 with `metadata` for clients that said they read it, else 1.
  void preview(const std::string& client, const nlohmann::json& metadata, std::string_view mime,
               std::span<const std::byte> picture);

 private:
  struct Client {
    std::string id;
    bool preview_metadata = false;
  };
  mutable std::mutex mutex_;  // guards what follows
  Transport* transport_ = nullptr;
  std::map<SocketId, Client> clients_;
  std::map<std::string, SocketId> sockets_;
};

// What the service tells clients of itself, in /features and in answer to their feature_flags.
nlohmann::json server_features();
inline constexpr std::size_t kMaxUploadBytes = std::size_t{100} << 20;

}  // namespace obscura::server
