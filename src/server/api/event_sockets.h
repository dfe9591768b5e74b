// The WebSockets at /api/v1/events. Each belongs to a project, and hears of nothing else.
//
// Thread safe.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "server/net/transport.h"

namespace obscura::server {

class EventSockets {
 public:
  // Before anything else; borrowed. Null: messages go nowhere.
  void attach(Transport* transport);

  void opened(SocketId socket, const std::string& project);
  void closed(SocketId socket);
  bool watched(const std::string& project) const;
  std::size_t count() const;

  void send_to(SocketId socket, const nlohmann::json& message);
  // To all of the project.
  void send(const std::string& project, const nlohmann::json& message);

 private:
  mutable std::mutex mutex_;  // guards what follows
  Transport* transport_ = nullptr;
  std::map<SocketId, std::string> projects_;
};

}  // namespace obscura::server
