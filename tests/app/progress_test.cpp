#include "app/progress.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

namespace obscura::app {
namespace {

using nlohmann::json;

const graph::NodeRef kSampler{"3", "KSampler", "Refine"};
const graph::NodeRef kSave{"9", "SaveImage", "Save Image"};

// Two nodes: one of two steps, one of none.
void run_job(graph::Observer& observer) {
  observer.started();
  observer.executing(kSampler);
  for (int step = 0; step <= 2; ++step) observer.progress(kSampler, step, 2);
  observer.warned(kSampler, "too many words");
  observer.executed(kSampler, nullptr, 1.25);
  observer.executing(kSave);
  observer.executed(kSave, nullptr, 0.5);
  observer.succeeded();
}

struct Said {
  std::string out, err;
};

Said said_by(ProgressStyle style) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  auto observer = make_progress(style, 2);
  run_job(*observer);
  observer.reset();
  return {testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

// Standard error on a terminal of so many columns.
class Terminal {
 public:
  explicit Terminal(unsigned short columns) {
    winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    if (::openpty(&ours_, &theirs_, nullptr, nullptr, &size) != 0) return;
    std::fflush(stderr);
    before_ = ::dup(STDERR_FILENO);
    ::dup2(theirs_, STDERR_FILENO);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() {
    give_back();
    ::close(ours_);
    ::close(theirs_);
  }
  // All that was written to it; standard error is what it was before.
  std::string take() {
    give_back();
    std::string text;
    char block[4096];
    pollfd waiting{ours_, POLLIN, 0};
    while (::poll(&waiting, 1, 0) > 0)
      text.append(block, static_cast<std::size_t>(
                             std::max<ssize_t>(0, ::read(ours_, block, sizeof block))));
    return text;
  }

 private:
  void give_back() {
    if (before_ < 0) return;
    std::fflush(stderr);
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
    before_ = -1;
  }
  int ours_ = -1, theirs_ = -1, before_ = -1;
};

std::string drawn_on(unsigned short columns) {
  Terminal terminal(columns);
  auto observer = make_progress(ProgressStyle::kBar, 2);
  run_job(*observer);
  observer.reset();
  return terminal.take();
}

TEST(ProgressStyles, AreChosenByTheCallAndByWhereStandardErrorGoes) {
  testing::internal::CaptureStderr();  // into a file
  EXPECT_EQ(progress_style(false, false), ProgressStyle::kLines);
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(progress_style(false, true), ProgressStyle::kNone);
  EXPECT_EQ(progress_style(true, false), ProgressStyle::kJson);
  EXPECT_EQ(progress_style(true, true), ProgressStyle::kJson) << "programs are told all the same";
  Terminal terminal(80);
  EXPECT_EQ(progress_style(false, false), ProgressStyle::kBar);
}

TEST(LineProgress, TellsOfNodesAndStepsAndDrawsNothing) {
  const Said said = said_by(ProgressStyle::kLines);
  EXPECT_EQ(said.out, "") << "standard output is for what a command makes";
  for (const char* line :
       {"node 3 \"Refine\" (KSampler) ...\n", "node 3 \"Refine\" (KSampler): step 1/2, ",
        "node 3 \"Refine\" (KSampler): step 2/2, ",
        "warning: node 3 \"Refine\" (KSampler): too many words\n",
        "node 3 \"Refine\" (KSampler): done in 1.25 s\n"})
    EXPECT_NE(said.err.find(line), std::string::npos) << line << "is not in\n" << said.err;
  EXPECT_EQ(said.err.find("step 0/2"), std::string::npos);
  EXPECT_EQ(said.err.find('\r'), std::string::npos);
  EXPECT_EQ(said.err.find('\x1b'), std::string::npos);
}

TEST(JsonProgress, CountsEveryNodeToItsMax) {
  const Said said = said_by(ProgressStyle::kJson);
  EXPECT_EQ(said.err, "");
  std::vector<std::string> events;
  std::istringstream lines(said.out);
  for (std::string line; std::getline(lines, line);) {
    const json event = json::parse(line);
    std::string text = event["event"];
    if (text == "progress")
      text += " " + event["node"].get<std::string>() + " " + event["value"].dump() + "/" +
              event["max"].dump();
    events.push_back(text);
  }
  EXPECT_EQ(events, (std::vector<std::string>{"start", "progress 3 0/1", "progress 3 0/2",
                                              "progress 3 1/2", "progress 3 2/2", "warning",
                                              "progress 9 0/1", "progress 9 1/1"}));
}

TEST(QuietProgress, WarnsAllTheSame) {
  const Said said = said_by(ProgressStyle::kNone);
  EXPECT_EQ(said.out, "");
  EXPECT_EQ(said.err, "warning: node 3 \"Refine\" (KSampler): too many words\n");
}

TEST(BarProgress, EndsWithTheTimeOfEachNode) {
  const std::string text = drawn_on(200);
  EXPECT_NE(text.find("[1/2] Refine [##########..........] 1/2 "), std::string::npos) << text;
  EXPECT_NE(text.find("[2/2] Save Image, 0:00 elapsed"), std::string::npos) << text;
  EXPECT_NE(text.find(", Refine 1.25, Save Image 0.50"), std::string::npos) << text;
}

// A line that is too long would wrap, and each drawing leave one behind.
TEST(BarProgress, IsNarrowerThanTheTerminal) {
  std::istringstream lines(drawn_on(30));
  std::size_t longest = 0;
  for (std::string line; std::getline(lines, line, '\r');) {
    const std::string clear = "\x1b[K";
    if (line.rfind(clear + "[", 0) == 0) longest = std::max(longest, line.size() - clear.size());
  }
  EXPECT_EQ(longest, 29U);
}

TEST(PrintEvent, IsOneLineOfAsciiWhateverItHolds) {
  testing::internal::CaptureStdout();
  print_event({{"message", "a\nb \xc3\xbc \xff"}});
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "{\"message\":\"a\\nb \\u00fc \\ufffd\"}\n");
}

}  // namespace
}  // namespace obscura::app
