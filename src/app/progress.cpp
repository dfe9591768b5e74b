#include "app/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <set>
#include <string>

#include "app/pace.h"

namespace obscura::app {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::ordered_json;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// One line that is written over again and again, and a line of totals at the end.
class BarProgress final : public graph::Observer {
 public:
  explicit BarProgress(std::size_t nodes) : nodes_(nodes) {}
  ~BarProgress() override { clear(); }

  void executing(const graph::NodeRef& node) override {
    title_ = node.title;
    pace_.restart(Clock::now());
    draw();
  }
  void progress(const graph::NodeRef&, std::int64_t value, std::int64_t max) override {
    pace_.set(value, max, Clock::now());
    draw();
  }
  void executed(const graph::NodeRef& node, const nlohmann::json&, double seconds) override {
    ++done_;
    if (seconds >= 0.01) times_ += fmt::format(", {} {:.2f}", node.title, seconds);
  }
  void warned(const graph::NodeRef& node, const std::string& text) override {
    clear();
    fmt::print(stderr, "warning: {}: {}\n", node.describe(), text);
  }
  void succeeded() override {
    clear();
    fmt::print(stderr, "done in {:.2f} s{}\n", seconds_since(begin_), times_);
  }

 private:
  static std::size_t terminal_width() {
    winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20) return 80;
    return size.ws_col;
  }
  void clear() {
    if (drawn_) std::fputs("\r\x1b[K", stderr);
    drawn_ = false;
  }
  void draw() {
    std::string line = fmt::format("[{}/{}] {}", std::min(done_ + 1, nodes_), nodes_, title_);
    if (pace_.max() > 0) {
      constexpr std::int64_t kCells = 20;
      std::int64_t full = kCells * pace_.value() / pace_.max();
      line += fmt::format(" [{}{}] {}/{}", std::string(static_cast<std::size_t>(full), '#'),
                          std::string(static_cast<std::size_t>(kCells - full), '.'), pace_.value(),
                          pace_.max());
    }
    const Clock::time_point now = Clock::now();
    if (std::string rate = pace_.rate(now); !rate.empty())
      line += fmt::format(" {}, {} left", rate, pace_.left(now));
    line += fmt::format(", {} elapsed", clock_text(seconds_since(begin_)));
    line.resize(std::min(line.size(), terminal_width() - 1));
    fmt::print(stderr, "\r\x1b[K{}", line);
    std::fflush(stderr);
    drawn_ = true;
  }

  std::size_t nodes_, done_ = 0;
  Clock::time_point begin_ = Clock::now();
  Pace pace_;
  std::string title_, times_;
  bool drawn_ = false;
};

// A line for each step and for each node: for logs.
class LineProgress final : public graph::Observer {
 public:
  void executing(const graph::NodeRef& node) override {
    pace_.restart(Clock::now());
    fmt::print(stderr, "{} ...\n", node.describe());
  }
  void progress(const graph::NodeRef& node, std::int64_t value, std::int64_t max) override {
    const Clock::time_point now = Clock::now();
    pace_.set(value, max, now);
    if (pace_.rate(now).empty()) return;
    fmt::print(stderr, "{}: step {}/{}, {}, {} elapsed, {} left\n", node.describe(), value, max,
               pace_.rate(now), clock_text(seconds_since(begin_)), pace_.left(now));
  }
  void executed(const graph::NodeRef& node, const nlohmann::json&, double seconds) override {
    fmt::print(stderr, "{}: done in {:.2f} s\n", node.describe(), seconds);
  }
  void warned(const graph::NodeRef& node, const std::string& text) override {
    fmt::print(stderr, "warning: {}: {}\n", node.describe(), text);
  }

 private:
  Clock::time_point begin_ = Clock::now();
  Pace pace_;
};

// Every node counts to its max at least once: those without steps of their own to 1.
class JsonProgress final : public graph::Observer {
 public:
  explicit JsonProgress(std::size_t nodes) : nodes_(nodes) {}

  void started() override { print_event({{"event", "start"}, {"nodes", nodes_}}); }
  void executing(const graph::NodeRef& node) override { report(node, 0, 1); }
  void progress(const graph::NodeRef& node, std::int64_t value, std::int64_t max) override {
    stepped_.insert(node.id);
    report(node, value, max);
  }
  void executed(const graph::NodeRef& node, const nlohmann::json&, double) override {
    if (!stepped_.contains(node.id)) report(node, 1, 1);
  }
  void warned(const graph::NodeRef& node, const std::string& text) override {
    print_event({{"event", "warning"}, {"node", node.id}, {"message", text}});
  }

 private:
  void report(const graph::NodeRef& node, std::int64_t value, std::int64_t max) {
    print_event({{"event", "progress"},
                 {"node", node.id},
                 {"type", node.type},
                 {"title", node.title},
                 {"value", value},
                 {"max", max},
                 {"seconds", seconds_since(begin_)}});
  }

  std::size_t nodes_;
  Clock::time_point begin_ = Clock::now();
  std::set<std::string> stepped_;
};

// Warnings only.
class QuietProgress final : public graph::Observer {
 public:
  void warned(const graph::NodeRef& node, const std::string& text) override {
    fmt::print(stderr, "warning: {}: {}\n", node.describe(), text);
  }
};

}  // namespace

ProgressStyle progress_style(bool json, bool quiet) {
  if (json) return ProgressStyle::kJson;
  if (quiet) return ProgressStyle::kNone;
  return ::isatty(STDERR_FILENO) != 0 ? ProgressStyle::kBar : ProgressStyle::kLines;
}

std::unique_ptr<graph::Observer> make_progress(ProgressStyle style, std::size_t nodes) {
  switch (style) {
    case ProgressStyle::kBar:
      return std::make_unique<BarProgress>(nodes);
    case ProgressStyle::kLines:
      return std::make_unique<LineProgress>();
    case ProgressStyle::kJson:
      return std::make_unique<JsonProgress>(nodes);
    case ProgressStyle::kNone:
      break;
  }
  return std::make_unique<QuietProgress>();
}

void print_event(const ordered_json& event) {
  fmt::print("{}\n", event.dump(-1, ' ', true, ordered_json::error_handler_t::replace));
  std::fflush(stdout);
}

}  // namespace obscura::app
