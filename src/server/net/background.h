// Work that takes too long for the thread that answers requests, one piece after another on a
// thread of its own.
//
// Thread safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace obscura::server {

class Background {
 public:
  ~Background() { stop(); }

  // `task` must not throw.
  void start(std::function<void()> task);
  // Waits for the task that runs; drops the others. Nothing starts after that.
  void stop();

 private:
  void work();
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace obscura::server
