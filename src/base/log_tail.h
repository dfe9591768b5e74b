// The last lines of the log, for whoever looks at them from elsewhere than the terminal.
//
// Thread safe.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace obscura {

class LogTail {
 public:
  struct Line {
    std::string time, text;  // ISO 8601 in UTC; the level and the message, with a line feed
  };

  // Listens to the log from now on, until it is destroyed; keeps so many lines.
  explicit LogTail(std::size_t lines);
  ~LogTail();
  LogTail(const LogTail&) = delete;
  LogTail& operator=(const LogTail&) = delete;

  std::vector<Line> lines() const;
  // Called with each line to come, from the thread that logs it; must not log. Null: nobody.
  void listen(std::function<void(const Line&)> listener);

 private:
  class Sink;
  void add(Line line);
  std::shared_ptr<Sink> sink_;
  std::size_t most_;
  mutable std::mutex mutex_;  // guards what follows
  std::deque<Line> lines_;
  std::function<void(const Line&)> listener_;
};

}  // namespace obscura
