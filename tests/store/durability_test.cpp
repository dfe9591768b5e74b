// Kills a process that submits and runs jobs at random moments, and looks at what is left.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <random>
#include <set>
#include <string>

#include "store/job_store.h"
#include "store/temporary_folder.h"

namespace obscura::store {
namespace {

constexpr char kMortal[] = "mortal";

enum class Report : char { kSubmitted = 's', kFinished = 'f' };

void tell(int pipe, Report what, int number) {
  char line[16];
  const int length = std::snprintf(line, sizeof line, "%c%d\n", static_cast<char>(what), number);
  // Whole or not at all: it is shorter than PIPE_BUF.
  if (::write(pipe, line, static_cast<std::size_t>(length)) != length) ::_exit(20);
}

// Two jobs in, one out, until it is killed. Says what it has done once the store has said so.
[[noreturn]] void work(const std::filesystem::path& path, int first, int pipe) {
  auto store = JobStore::open(path);
  if (!store.ok()) {
    std::fprintf(stderr, "%s\n", store.error().message().c_str());
    ::_exit(21);
  }
  if (!(*store)->take_back(1, kMortal).ok()) ::_exit(25);
  for (int number = first;; ++number) {
    NewJob job;
    job.id = std::to_string(number);
    job.prompt = std::string(static_cast<std::size_t>(100 + number % 3000), 'p');
    if (!(*store)->submit(job).ok()) ::_exit(22);
    tell(pipe, Report::kSubmitted, number);
    if (number % 2 == 0) continue;
    auto next = (*store)->claim(kMortal, 1, 1000);
    if (!next.ok() || !*next) ::_exit(23);
    if (!(*store)->finish((*next)->claim(), {JobState::kDone, "{}", "[]", 2}).ok()) ::_exit(24);
    tell(pipe, Report::kFinished, std::stoi((*next)->id));
  }
}

std::string drain(int pipe) {
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = ::read(pipe, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(got));
  return text;
}

TEST(Durability, NothingIsLostOrDoneTwiceByKills) {
  obscura::testing::TemporaryFolder folder;
  const auto path = folder.path() / "obscura.db";
  std::mt19937 random(20231123);  // NOLINT: the moments need not be unforeseeable
  std::set<int> submitted, finished;
  int first = 0;
  for (int round = 0; round < 50; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) work(path, first, ends[1]);
    ::close(ends[1]);
    ::usleep(static_cast<useconds_t>(random() % 40'000));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);
    const std::string reports = drain(ends[0]);
    ::close(ends[0]);
    for (std::size_t at = 0; at < reports.size(); at = reports.find('\n', at) + 1) {
      auto& set = reports[at] == static_cast<char>(Report::kSubmitted) ? submitted : finished;
      set.insert(std::stoi(reports.substr(at + 1)));
    }

    auto store = JobStore::open(path);
    ASSERT_TRUE(store.ok()) << store.error().message();
    ASSERT_TRUE((*store)->take_back(1, kMortal).ok());
    std::map<int, int> seen;
    auto waiting = (*store)->unfinished(kDefaultProject);
    auto done = (*store)->history(kDefaultProject, std::nullopt, -1);
    ASSERT_TRUE(waiting.ok() && done.ok());
    for (const Job& job : *waiting) {
      ++seen[std::stoi(job.id)];
      EXPECT_EQ(job.state, JobState::kQueued);
      EXPECT_EQ(job.prompt.size(), 100U + std::stoul(job.id) % 3000);
      EXPECT_FALSE(finished.contains(std::stoi(job.id))) << job.id << " was done and waits";
    }
    for (const Job& job : *done) ++seen[std::stoi(job.id)];
    for (int number : submitted) EXPECT_EQ(seen[number], 1) << "job " << number;
    EXPECT_EQ((*store)->remaining(), waiting->size());
    // One job more than was reported may be there: killed between the commit and the report.
    EXPECT_LE(seen.size(), submitted.size() + 1 + static_cast<std::size_t>(round));
    first = seen.empty() ? 0 : seen.rbegin()->first + 1;
  }
  EXPECT_GT(submitted.size(), 50U) << "the children were killed before they did anything";
}

}  // namespace
}  // namespace obscura::store
