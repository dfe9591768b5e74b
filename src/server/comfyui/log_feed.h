// The log's last lines, and the ComfyUI clients that want to hear the next ones.
//
// Thread safe.
#pragma once

#include <cstddef>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "base/log_tail.h"
#include "server/comfyui/client_sockets.h"

namespace obscura::server {

class LogFeed {
 public:
  static constexpr std::size_t kLogLines = 300, kMostSubscribers = 64;

  // Borrowed.
  explicit LogFeed(ClientSockets& sockets);
  ~LogFeed();

  // A client's WebSocket gets each line to come as a message of type "logs", until it is closed.
  void subscribe(const std::string& project, const std::string& client, bool enabled);

  LogTail tail;

 private:
  void send(const LogTail::Line& line);
  ClientSockets& sockets_;
  std::mutex mutex_;                                           // guards what follows
  std::set<std::pair<std::string, std::string>> subscribers_;  // project and client
};

// {"entries": [{"t", "m"}], "size": {"cols", "rows"}}, as ComfyUI writes them.
nlohmann::json logs_message(const std::vector<LogTail::Line>& lines);

}  // namespace obscura::server
