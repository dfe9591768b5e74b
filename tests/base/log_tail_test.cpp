#include "base/log_tail.h"

#include <gtest/gtest.h>

#include <spdlog/sinks/sink.h>

#include <atomic>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"

namespace obscura {
namespace {

// Nothing of it is for the terminal.
class LogTailTest : public testing::Test {
 protected:
  LogTailTest() : terminal_(spdlog::default_logger()->sinks().front()), level_(terminal_->level()) {
    terminal_->set_level(spdlog::level::off);
  }
  ~LogTailTest() override { terminal_->set_level(level_); }

 private:
  spdlog::sink_ptr terminal_;
  spdlog::level::level_enum level_;
};

std::vector<std::string> texts_of(const LogTail& tail) {
  std::vector<std::string> texts;
  for (const LogTail::Line& line : tail.lines()) texts.push_back(line.text);
  return texts;
}

TEST_F(LogTailTest, KeepsTheLastLinesWithLevelAndTime) {
  log::info("before");
  LogTail tail(2);
  log::info("first");
  log::warn("second {}", 2);
  log::error("third");
  EXPECT_EQ(texts_of(tail), (std::vector<std::string>{"[warning] second 2\n", "[error] third\n"}));
  const std::regex iso(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)");
  EXPECT_TRUE(std::regex_match(tail.lines()[0].time, iso)) << tail.lines()[0].time;
}

TEST_F(LogTailTest, TellsWhoListensUntilNobodyDoes) {
  LogTail tail(8);
  std::vector<std::string> heard;
  tail.listen([&](const LogTail::Line& line) { heard.push_back(line.text); });
  log::info("heard");
  tail.listen(nullptr);
  log::info("unheard");
  EXPECT_EQ(heard, (std::vector<std::string>{"[info] heard\n"}));
  EXPECT_EQ(tail.lines().size(), 2U);
}

TEST_F(LogTailTest, EndsWhileOthersLog) {
  std::atomic<bool> done = false;
  std::thread other([&] {
    while (!done) log::info("busy");
  });
  for (int i = 0; i < 100; ++i) {
    LogTail tail(4);
    log::info("line");
    EXPECT_GE(tail.lines().size(), 1U);
  }
  done = true;
  other.join();
}

}  // namespace
}  // namespace obscura
