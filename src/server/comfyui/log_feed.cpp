#include "server/comfyui/log_feed.h"

namespace obscura::server {

using nlohmann::json;

json logs_message(const std::vector<LogTail::Line>& lines) {
  json entries = json::array();
  for (const LogTail::Line& line : lines) entries.push_back({{"t", line.time}, {"m", line.text}});
  // The size of the terminal that there is none of.
  return {{"entries", std::move(entries)}, {"size", {{"cols", 80}, {"rows", 24}}}};
}

LogFeed::LogFeed(ClientSockets& sockets) : tail(kLogLines), sockets_(sockets) {
  tail.listen([this](const LogTail::Line& line) { send(line); });
}

LogFeed::~LogFeed() {
  tail.listen(nullptr);
}

void LogFeed::subscribe(const std::string& project, const std::string& client, bool enabled) {
  std::lock_guard lock(mutex_);
  if (!enabled) {
    subscribers_.erase({project, client});
  } else if (subscribers_.size() < kMostSubscribers) {
    subscribers_.insert({project, client});
  }
}

void LogFeed::send(const LogTail::Line& line) {
  std::lock_guard lock(mutex_);
  // Who has gone will subscribe again.
  std::erase_if(subscribers_,
                [&](const auto& name) { return !sockets_.watched(name.first, name.second); });
  if (subscribers_.empty()) return;
  const ClientMessage message{"logs", logs_message({line})};
  for (const auto& [project, client] : subscribers_) sockets_.send(project, client, message);
}

}  // namespace obscura::server
