#include "base/log_tail.h"

#include <fmt/chrono.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/dist_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

namespace obscura {
namespace {

// The one place where sinks may be added while other threads log.
std::shared_ptr<spdlog::sinks::dist_sink_mt> log_tail_sinks() {
  static const auto sinks = [] {
    auto made = std::make_shared<spdlog::sinks::dist_sink_mt>();
    spdlog::default_logger()->sinks().push_back(made);
    return made;
  }();
  return sinks;
}

}  // namespace

class LogTail::Sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit Sink(LogTail& tail) : tail_(tail) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const auto level = spdlog::level::to_string_view(message.level);
    const auto time = std::chrono::time_point_cast<std::chrono::milliseconds>(message.time);
    const auto second = std::chrono::time_point_cast<std::chrono::seconds>(time);
    tail_.add(
        {fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(second), (time - second).count()),
         fmt::format("[{}] {}\n", fmt::string_view(level.data(), level.size()),
                     fmt::string_view(message.payload.data(), message.payload.size()))});
  }
  void flush_() override {}

  LogTail& tail_;
};

LogTail::LogTail(std::size_t lines) : sink_(std::make_shared<Sink>(*this)), most_(lines) {
  log_tail_sinks()->add_sink(sink_);
}

LogTail::~LogTail() {
  log_tail_sinks()->remove_sink(sink_);
}

std::vector<LogTail::Line> LogTail::lines() const {
  std::lock_guard lock(mutex_);
  return {lines_.begin(), lines_.end()};
}

void LogTail::listen(std::function<void(const Line&)> listener) {
  std::lock_guard lock(mutex_);
  listener_ = std::move(listener);
}

void LogTail::add(Line line) {
  std::lock_guard lock(mutex_);
  if (listener_) listener_(line);
  lines_.push_back(std::move(line));
  if (lines_.size() > most_) lines_.pop_front();
}

}  // namespace obscura
