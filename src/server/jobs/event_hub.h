// The WebSockets of clients, and the messages to them. Each belongs to a project, and hears of
// nothing else.
//
// ComfyUI's, at /ws, by client id: a job's messages go to the client that submitted it. Of a job
// without a client, each message goes to everybody or to nobody, as in ComfyUI.
//
// Our own, at /api/v1/events: everything that happens in the project, as docs/openapi.json says.
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
#include <utility>

#include "server/net/transport.h"

namespace obscura::server {

enum class WithoutClient { kNobody, kEverybody };

class EventHub {
 public:
  // Before anything else; borrowed. Null: messages go nowhere.
  void attach(Transport* transport);

  // A newer socket of the same client takes over from the one before.
  void opened(SocketId socket, const std::string& project, const std::string& client);
  void opened_own(SocketId socket, const std::string& project);
  // A client's message: only `feature_flags` means something.
  void received(SocketId socket, std::string_view text);
  void closed(SocketId socket);

  // Whether a socket of ComfyUI's kind would get this client's messages.
  bool watched(const std::string& project, const std::string& client) const;
  // Whether a socket of our own kind is open.
  bool watched_own(const std::string& project) const;
  std::size_t count() const;

  void send_to(SocketId socket, std::string_view type, const nlohmann::json& data);
  void send(const std::string& project, const std::string& client, WithoutClient otherwise,
            std::string_view type, const nlohmann::json& data);
  void broadcast(const std::string& project, std::string_view type, const nlohmann::json& data);
  // ComfyUI's binary frames: 4 with `metadata` for clients that said they read it, else 1.
  void preview(const std::string& project, const std::string& client,
               const nlohmann::json& metadata, std::string_view mime,
               std::span<const std::byte> image);
  // To sockets of our own kind.
  void tell(const std::string& project, const nlohmann::json& event);
  void tell_to(SocketId socket, const nlohmann::json& event);

 private:
  struct Client {
    std::string project, id;
    bool own = false;
    bool preview_metadata = false;
  };
  using Name = std::pair<std::string, std::string>;  // project and client
  mutable std::mutex mutex_;                         // guards what follows
  Transport* transport_ = nullptr;
  std::map<SocketId, Client> clients_;
  std::map<Name, SocketId> sockets_;  // of ComfyUI's kind
};

// What the service tells clients of itself, in /features and in answer to their feature_flags.
nlohmann::json server_features();

}  // namespace obscura::server
