#include "store/job_store.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "base/files.h"
#include "store/database.h"
#include "store/temporary_folder.h"

namespace obscura::store {
namespace {

using obscura::testing::TemporaryFolder;

constexpr char kWorker[] = "worker";

NewJob job(const std::string& id) {
  NewJob job;
  job.id = id;
  job.prompt = R"({"1":{"class_type":"Save","inputs":{}}})";
  job.extra_data = "{}";
  job.targets = R"(["1"])";
  job.client_id = "client";
  job.created_ms = 1000;
  return job;
}

class JobStoreTest : public ::testing::Test {
 protected:
  JobStoreTest() { reopen(); }

  // As the worker's next life does.
  void reopen() {
    store_.reset();
    auto opened = JobStore::open(path());
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    store_ = std::move(opened).value();
    ASSERT_TRUE(store_->take_back(1500, kWorker).ok());
  }
  std::filesystem::path path() const { return folder_.path() / "obscura.db"; }

  double submit(const NewJob& job) {
    auto number = store_->submit(job);
    EXPECT_TRUE(number.ok()) << number.error().message();
    return number.ok() ? *number : -1;
  }
  // Empty if there is nothing to do.
  std::string start(std::int64_t now = 2000) {
    auto next = store_->claim(kWorker, now, 1000);
    EXPECT_TRUE(next.ok()) << next.error().message();
    return next.ok() && *next ? (*next)->id : "";
  }
  void finish(const std::string& id, std::int64_t now, JobState state = JobState::kDone) {
    ASSERT_TRUE(store_->finish(claim_of(id), {state, R"({"1":{}})", "[]", now}).ok());
  }
  Claim claim_of(const std::string& id) {
    auto found = store_->summary(kDefaultProject, id);
    EXPECT_TRUE(found.ok() && *found) << id;
    return found.ok() && *found ? (*found)->claim() : Claim();
  }
  static std::string ids(const Result<std::vector<Job>>& jobs) {
    EXPECT_TRUE(jobs.ok()) << jobs.error().message();
    std::string line;
    for (const Job& job : *jobs) line += (line.empty() ? "" : " ") + job.id;
    return line;
  }

  TemporaryFolder folder_;
  std::unique_ptr<JobStore> store_;
};

TEST_F(JobStoreTest, RunsInOrderOfNumberThenArrival) {
  EXPECT_EQ(submit(job("a")), 0);
  EXPECT_EQ(submit(job("b")), 1);
  NewJob front = job("c");
  front.front = true;
  EXPECT_EQ(submit(front), -2);
  NewJob numbered = job("d");
  numbered.number = 0.5;
  EXPECT_EQ(submit(numbered), 0.5);
  NewJob equal = job("e");
  equal.number = 0.5;
  submit(equal);
  EXPECT_EQ(ids(store_->unfinished(kDefaultProject)), "c a d e b");
  EXPECT_EQ(start(), "c");
  EXPECT_EQ(ids(store_->unfinished(kDefaultProject)), "c a d e b");
  for (const char* id : {"a", "d", "e", "b"}) EXPECT_EQ(start(), id);
  EXPECT_EQ(start(), "");
}

TEST_F(JobStoreTest, KeepsEverythingOfAJob) {
  submit(job("a"));
  EXPECT_EQ(start(2000), "a");
  ASSERT_TRUE(
      store_->finish(claim_of("a"), {JobState::kFailed, R"({"9":1})", R"([["x",{}]])", 3000}).ok());
  reopen();
  auto found = store_->find(kDefaultProject, "a");
  ASSERT_TRUE(found.ok() && *found);
  const Job& kept = **found;
  EXPECT_EQ(kept.state, JobState::kFailed);
  EXPECT_EQ(kept.prompt, job("a").prompt);
  EXPECT_EQ(kept.targets, R"(["1"])");
  EXPECT_EQ(kept.client_id, "client");
  EXPECT_EQ(kept.outputs, R"({"9":1})");
  EXPECT_EQ(kept.messages, R"([["x",{}]])");
  EXPECT_EQ(kept.created_ms, 1000);
  EXPECT_EQ(kept.started_ms, 2000);
  EXPECT_EQ(kept.finished_ms, 3000);
  EXPECT_EQ(kept.attempts, 1);
  EXPECT_FALSE(*store_->find(kDefaultProject, "nothing"));
}

TEST_F(JobStoreTest, RefusesAnIdTwiceEvenWhenItIsDone) {
  submit(job("a"));
  auto twice = store_->submit(job("a"));
  ASSERT_FALSE(twice.ok());
  EXPECT_EQ(twice.error().kind(), ErrorKind::kInvalidInput);
  start();
  finish("a", 3000);
  EXPECT_FALSE(store_->submit(job("a")).ok());
  EXPECT_EQ(store_->remaining(), 0U);
}

TEST_F(JobStoreTest, PagesThroughTheHistory) {
  for (const char* id : {"a", "b", "c", "d"}) submit(job(id));
  std::int64_t now = 3000;
  for (const char* id : {"a", "b", "c", "d"}) {
    start();
    finish(id, ++now);
  }
  EXPECT_EQ(ids(store_->history(kDefaultProject, std::nullopt, -1)), "a b c d");
  EXPECT_EQ(ids(store_->history(kDefaultProject, 2, -1)), "c d");
  EXPECT_EQ(ids(store_->history(kDefaultProject, 2, 1)), "b c");
  EXPECT_EQ(ids(store_->history(kDefaultProject, std::nullopt, 3)), "d");
  EXPECT_EQ(ids(store_->history(kDefaultProject, 0, -1)), "");
  ASSERT_TRUE(store_->forget(kDefaultProject, std::vector<std::string>{"b", "x"}).ok());
  EXPECT_EQ(ids(store_->history(kDefaultProject, std::nullopt, -1)), "a c d");
  ASSERT_TRUE(store_->forget_all(kDefaultProject).ok());
  EXPECT_EQ(ids(store_->history(kDefaultProject, std::nullopt, -1)), "");
}

TEST_F(JobStoreTest, CancelsOnlyWhatWaits) {
  for (const char* id : {"a", "b", "c", "d"}) submit(job(id));
  start();
  EXPECT_EQ(*store_->cancel(kDefaultProject, std::vector<std::string>{"a", "b", "zzz"}, 2500), 1U);
  EXPECT_EQ(ids(store_->unfinished(kDefaultProject)), "a c d");
  EXPECT_EQ(store_->remaining(), 3U);
  EXPECT_EQ(*store_->cancel(kDefaultProject, std::vector<std::string>{"c", "d"}, 2600), 2U);
  EXPECT_EQ(ids(store_->unfinished(kDefaultProject)), "a");
  EXPECT_EQ(store_->remaining(), 1U);
  EXPECT_EQ(store_->counts().submitted, 4);
  EXPECT_EQ(store_->counts().cancelled, 3);
  EXPECT_EQ(store_->counts().done, 0);
  // What never ran is not part of the history, but is still known.
  EXPECT_EQ(ids(store_->history(kDefaultProject, std::nullopt, -1)), "");
  EXPECT_EQ((**store_->find(kDefaultProject, "b")).state, JobState::kCancelled);
}

TEST_F(JobStoreTest, FindsTheNextJobsThatHaveNoPlan) {
  for (const char* id : {"a", "b", "c", "d"}) submit(job(id));
  start();
  auto next = [&] {
    auto found = store_->next_without_plan(2);
    EXPECT_TRUE(found.ok());
    return found.ok() && *found ? (*found)->id : "";
  };
  EXPECT_EQ(next(), "a") << "the running one";
  ASSERT_TRUE(store_->set_plan("a", 70, 100).ok());
  EXPECT_EQ(next(), "b");
  ASSERT_TRUE(store_->set_plan("b", std::nullopt, 0).ok());
  EXPECT_EQ(next(), "c");
  ASSERT_TRUE(store_->set_plan("c", 90, 100).ok());
  EXPECT_EQ(next(), "") << "d is too far behind";
  ASSERT_TRUE(
      store_->finish(claim_of("a"), {JobState::kDone, "{}", "[]", 3000, "", {}, "", 60}).ok());
  reopen();
  const auto planned = store_->summary(kDefaultProject, "a");
  ASSERT_TRUE(planned.ok() && *planned);
  EXPECT_EQ((*planned)->planned_bytes, 70);
  EXPECT_EQ((*planned)->budget_bytes, 100);
  EXPECT_EQ((*planned)->peak_bytes, 60);
  const auto without = store_->summary(kDefaultProject, "b");
  ASSERT_TRUE(without.ok() && *without);
  EXPECT_EQ((*without)->planned_bytes, 0);
}

TEST_F(JobStoreTest, QueuesARunningJobAgainInItsPlace) {
  submit(job("a"));
  submit(job("b"));
  EXPECT_EQ(start(), "a");
  ASSERT_TRUE(store_->requeue(claim_of("a")).ok());
  EXPECT_EQ(start(), "a");
  reopen();
  EXPECT_EQ(store_->remaining(), 2U);
  EXPECT_EQ(start(), "a");
}

TEST_F(JobStoreTest, NumbersGoOnAfterHistoryIsForgotten) {
  submit(job("a"));
  start();
  finish("a", 3000);
  ASSERT_TRUE(store_->forget_all(kDefaultProject).ok());
  reopen();
  EXPECT_EQ(submit(job("b")), 1);
}

TEST_F(JobStoreTest, HasOneProcessForItself) {
  auto second = JobStore::open(path());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind(), ErrorKind::kIo);
  EXPECT_NE(second.error().message().find("in use by another"), std::string::npos)
      << second.error().message();
}

TEST_F(JobStoreTest, HoldsTenThousandJobs) {
  using Clock = std::chrono::steady_clock;
  NewJob large = job("");
  large.prompt = R"({"1":")" + std::string(2000, 'x') + R"("})";
  const auto first = Clock::now();
  for (int i = 0; i < 10'000; ++i) {
    large.id = std::to_string(i);
    submit(large);
  }
  const std::chrono::duration<double> submitting = Clock::now() - first;
  const auto begin = Clock::now();
  auto jobs = store_->unfinished(kDefaultProject);
  const std::chrono::duration<double> listing = Clock::now() - begin;
  ASSERT_TRUE(jobs.ok());
  EXPECT_EQ(jobs->size(), 10'000U);
  EXPECT_EQ((*jobs)[9'999].id, "9999");
  EXPECT_LT(submitting.count(), 10.0);
  RecordProperty("submits_a_second", static_cast<int>(10'000 / submitting.count()));
  RecordProperty("listing_ms", static_cast<int>(listing.count() * 1000));
  // 50 ms by itself on an idle machine; tests share theirs with other programs and sanitizers.
  EXPECT_LT(listing.count(), 1.0);
}

TEST(JobStoreFile, RefusesADamagedFile) {
  TemporaryFolder folder;
  const auto path = folder.path() / "obscura.db";
  ASSERT_TRUE(write_file_atomically(path, "This is not a database, whatever it is called.").ok());
  auto opened = JobStore::open(path);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().kind(), ErrorKind::kCorrupt) << opened.error().message();
  EXPECT_NE(opened.error().message().find(path.string()), std::string::npos);
}

TEST(JobStoreFile, RefusesAFileWithDamagedPages) {
  TemporaryFolder folder;
  const auto path = folder.path() / "obscura.db";
  {
    auto store = JobStore::open(path);
    ASSERT_TRUE(store.ok());
    for (int i = 0; i < 100; ++i) ASSERT_TRUE((*store)->submit(job(std::to_string(i))).ok());
  }
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096);
  file << std::string(4096 * 3, '\x5a');
  file.close();
  auto opened = JobStore::open(path);
  // The damage shows when the tables are read, at the latest when the jobs are.
  Status status = opened.ok() ? Status() : Status(opened.error());
  if (opened.ok()) {
    auto jobs = (*opened)->unfinished(kDefaultProject);
    status = jobs.ok() ? Status() : Status(jobs.error());
  }
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kCorrupt) << status.error().message();
}

TEST(JobStoreFile, RefusesANewerSchema) {
  TemporaryFolder folder;
  const auto path = folder.path() / "obscura.db";
  {
    auto database = Database::open(path);
    ASSERT_TRUE(database.ok()) << database.error().message();
    ASSERT_TRUE(database->execute("PRAGMA user_version=99").ok());
  }
  auto opened = JobStore::open(path);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().kind(), ErrorKind::kUnsupported);
  EXPECT_NE(opened.error().message().find("99"), std::string::npos);
}

TEST(JobStoreFile, SaysThatTheDiskRefusesAndGoesOnWhenItNoLongerDoes) {
  TemporaryFolder folder;
  const auto path = folder.path() / "obscura.db";
  // In a process of its own: a limit on the size of files stands in for a full disk.
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    auto store = JobStore::open(path);
    if (!store.ok()) ::_exit(10);
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    rlimit tight = before;
    tight.rlim_cur = 256 << 10;
    ::setrlimit(RLIMIT_FSIZE, &tight);
    NewJob large = job("large");
    large.prompt.assign(1 << 20, 'x');
    auto refused = (*store)->submit(large);
    if (refused.ok() || refused.error().kind() != ErrorKind::kIo) ::_exit(11);
    if ((*store)->remaining() != 0) ::_exit(12);
    ::setrlimit(RLIMIT_FSIZE, &before);
    if (!(*store)->submit(large).ok()) ::_exit(13);
    ::_exit((*store)->remaining() == 1 ? 0 : 14);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace obscura::store
