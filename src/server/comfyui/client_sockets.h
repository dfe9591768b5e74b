// The WebSockets at /ws, by client id. Each belongs to a project, and hears of nothing else.
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
#include <utility>

#include "server/comfyui/messages.h"
#include "server/net/transport.h"

namespace obscura::server {

class ClientSockets {
 public:
  // Before anything else; borrowed. Null: messages go nowhere.
  void attach(Transport* transport);

  // A newer socket of the same client takes over from the one before.
  void opened(SocketId socket, const std::string& project, const std::string& client);
  // A client's message: only `feature_flags` means something.
  void received(SocketId socket, std::string_view text);
  void closed(SocketId socket);

  // Whether a socket would get this client's messages.
  bool watched(const std::string& project, const std::string& client) const;
  std::size_t count() const;

  void send_to(SocketId socket, const ClientMessage& message);
  // To the client's socket, or as the message says if there is no client.
  void send(const std::string& project, const std::string& client, const ClientMessage& message);
  void broadcast(const std::string& project, const ClientMessage& message);
  // Frame 4 for clients that said they read it, else 1.
  void send_preview(const std::string& project, const std::string& client,
                    const PreviewFrames& frames);

 private:
  struct Client {
    std::string project, id;
    bool preview_metadata = false;
  };
  using Name = std::pair<std::string, std::string>;  // project and client
  mutable std::mutex mutex_;                         // guards what follows
  Transport* transport_ = nullptr;
  std::map<SocketId, Client> clients_;
  std::map<Name, SocketId> sockets_;
};

// What the service tells clients of itself, in /features and in answer to their feature_flags.
nlohmann::json server_features();

}  // namespace obscura::server
