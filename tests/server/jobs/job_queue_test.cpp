// The queue by itself, beside other workers of its store: what it runs, and what it tells.
#include "server/jobs/job_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "server/fake_studio.h"
#include "server/jobs/job_events.h"
#include "store/temporary_folder.h"

namespace obscura::server {
namespace {

using namespace std::chrono_literals;
using store::JobState;

constexpr char kQuick[] = R"({"1":{"class_type":"Box","inputs":{"value":2}},)"
                          R"("3":{"class_type":"Save","inputs":{"box":["1",0],"prefix":"sum"}}})";
constexpr char kEndless[] =
    R"({"7":{"class_type":"Slow","inputs":{"steps":10000,"milliseconds":1}},)"
    R"("8":{"class_type":"Save","inputs":{"box":["7",0],"prefix":"slow"}}})";

// The names of what is told, in one line, and how the history would put it.
class Recorder final : public JobListener, public HistoryFormat {
 public:
  void tell(const JobEvent& event) override {
    std::lock_guard lock(mutex_);
    for (const auto& [name, other] : testing::all_events()) {
      if (other.what.index() != event.what.index()) continue;
      // How often there is progress is of no interest.
      if (!told_.ends_with(name + " ")) told_ += name + " ";
      break;
    }
    changed_.notify_all();
  }
  void tell_queue(const std::string&) override {}
  std::string history(std::span<const JobEvent> course) const override {
    ends_ = true;
    return "[" + std::to_string(course.size()) + "]";
  }
  // Waits until it has been told.
  bool hears(const std::string& name) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s,
                             [&] { return told_.find(name + " ") != std::string::npos; });
  }
  std::string told() const {
    std::lock_guard lock(mutex_);
    return told_;
  }
  // Waits until the end of a job is to be stored.
  void see_an_end() const {
    while (!ends_) std::this_thread::sleep_for(1ms);
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string told_;
  mutable std::atomic<bool> ends_ = false;
};

class JobQueueTest : public ::testing::Test {
 protected:
  JobQueueTest() {
    studio_.set_data(folder_.path());
    connection_ = *store::Connection::open(folder_.path() / "obscura.db");
    store_ = *store::JobStore::open(connection_);
    other_ = *store::JobStore::open(connection_);
    listeners_.add(recorder_);
  }

  void start(std::chrono::milliseconds lease = 1min) {
    accounts_.emplace(connection_);
    results_.emplace(connection_);
    JobQueue::Parts parts{*store_, *accounts_, *results_,  studio_,
                          studio_, files_,     listeners_, recorder_};
    parts.lease = lease;
    queue_ = std::make_unique<JobQueue>(parts);
    queue_->start();
  }
  static store::NewJob job(const std::string& prompt) {
    store::NewJob job;
    job.id = "J";
    job.prompt = prompt;
    job.extra_data = "{}";
    job.targets = "[]";
    return job;
  }
  // Another worker takes the only job, and goes silent.
  store::Claim claim_elsewhere(const std::string& worker, std::int64_t lease_ms) {
    auto claimed = other_->claim(worker, now_ms(), lease_ms);
    EXPECT_TRUE(claimed.ok() && *claimed);
    return (*claimed)->claim();
  }
  // A job that is started, and left, as often as it may be.
  void wear_out_a_job() {
    ASSERT_TRUE(store_->submit(job(kQuick)).ok());
    for (int i = 0; i < store::JobStore::kMostAttempts; ++i) {
      ASSERT_TRUE(store_->take_back(1, JobQueue::kWorker).ok());
      claim_elsewhere(JobQueue::kWorker, 3'600'000);
    }
  }
  // As where the disk is full: what takes more room cannot be written.
  void set_full(bool full) {
    std::lock_guard lock(connection_->mutex);
    ASSERT_TRUE(connection_->database
                    .execute(full ? "CREATE TEMP TRIGGER no_room BEFORE INSERT ON main.audit "
                                    "BEGIN SELECT RAISE(ABORT, 'no room'); END"
                                  : "DROP TRIGGER no_room")
                    .ok());
  }
  store::JobSummary kept() { return **store_->summary(store::kDefaultProject, "J"); }

  obscura::testing::TemporaryFolder folder_;
  testing::FakeStudio studio_;
  std::shared_ptr<store::Connection> connection_;
  std::unique_ptr<store::JobStore> store_, other_;
  std::optional<store::AccountStore> accounts_;
  std::optional<store::ResultStore> results_;
  ResultFiles files_{folder_.path(), studio_};
  Recorder recorder_;
  JobListeners listeners_;
  std::unique_ptr<JobQueue> queue_;
};

TEST_F(JobQueueTest, TellsAJobsCourse) {
  start();
  ASSERT_TRUE(queue_->pause(true).ok());
  ASSERT_TRUE(queue_->submit(job(kQuick)).ok());
  ASSERT_TRUE(recorder_.hears("planned"));
  ASSERT_TRUE(queue_->move_to_end(store::kDefaultProject, "J", true).ok());
  ASSERT_TRUE(*queue_->hold(store::kDefaultProject, "J", true));
  ASSERT_TRUE(*queue_->hold(store::kDefaultProject, "J", false));
  ASSERT_TRUE(queue_->pause(false).ok());
  ASSERT_TRUE(recorder_.hears("left"));
  EXPECT_EQ(recorder_.told(),
            "queued planned moved held resumed claimed started cached executing executed "
            "executing executed succeeded left ");
  EXPECT_EQ((**store_->find(store::kDefaultProject, "J")).messages, "[3]");
  EXPECT_EQ(kept().worker, JobQueue::kWorker);
}

TEST_F(JobQueueTest, TellsThatAJobIsCancelled) {
  start();
  ASSERT_TRUE(queue_->pause(true).ok());
  ASSERT_TRUE(queue_->submit(job(kQuick)).ok());
  EXPECT_EQ(*queue_->cancel(store::kDefaultProject, {"J", "another"}), 1U);
  ASSERT_TRUE(recorder_.hears("cancelled"));
  EXPECT_EQ(recorder_.told().find("claimed"), std::string::npos);
}

TEST_F(JobQueueTest, RenewsItsLease) {
  start(40ms);
  ASSERT_TRUE(queue_->submit(job(kEndless)).ok());
  ASSERT_TRUE(recorder_.hears("progress"));
  const auto renewed = [this] { return kept().lease_ends_ms > kept().started_ms + 100; };
  for (int i = 0; i < 1000 && !renewed(); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(renewed());
  queue_->interrupt(store::kDefaultProject, "J");
  ASSERT_TRUE(recorder_.hears("interrupted"));
}

TEST_F(JobQueueTest, StopsAJobThatIsNoLongerItsOwn) {
  start(40ms);
  ASSERT_TRUE(queue_->submit(job(kEndless)).ok());
  ASSERT_TRUE(recorder_.hears("progress"));
  // As if it had been silent for an hour.
  ASSERT_EQ(other_->take_back(now_ms() + 3'600'000)->size(), 1U);
  const store::Claim claim = claim_elsewhere("other", 3'600'000);
  while (queue_->running()) std::this_thread::sleep_for(1ms);
  ASSERT_TRUE(other_->finish(claim, {JobState::kDone, "{}", "[]", now_ms()}).ok());
  queue_->stop();
  EXPECT_EQ(kept().state, JobState::kDone);
  EXPECT_EQ(kept().worker, "other");
  EXPECT_EQ(recorder_.told().find("interrupted"), std::string::npos) << recorder_.told();
  EXPECT_EQ(recorder_.told().find("left"), std::string::npos) << recorder_.told();
}

TEST_F(JobQueueTest, TellsNoEndThatIsNotInTheStore) {
  start();
  bool finished = false;
  ASSERT_TRUE(queue_->submit(job(kEndless), nullptr, [&] { finished = true; }).ok());
  ASSERT_TRUE(recorder_.hears("progress"));
  set_full(true);
  queue_->interrupt(store::kDefaultProject, "J");
  recorder_.see_an_end();
  queue_->stop();
  EXPECT_EQ(recorder_.told().find("interrupted"), std::string::npos) << recorder_.told();
  EXPECT_EQ(recorder_.told().find("left"), std::string::npos) << recorder_.told();
  EXPECT_FALSE(finished);
  EXPECT_EQ(kept().state, JobState::kQueued);
}

TEST_F(JobQueueTest, RunsWhatAnotherWorkerLeftOnceItsLeaseEnds) {
  ASSERT_TRUE(store_->submit(job(kQuick)).ok());
  const std::int64_t begin = now_ms();
  claim_elsewhere("other", 300);
  start();
  ASSERT_TRUE(recorder_.hears("succeeded"));
  EXPECT_LT(recorder_.told().find("taken back"), recorder_.told().find("claimed"));
  EXPECT_GE(kept().started_ms, begin + 300);
  EXPECT_EQ(kept().attempts, 2);
}

TEST_F(JobQueueTest, RunsWhatItsOwnEarlierLifeLeftAtOnce) {
  ASSERT_TRUE(store_->submit(job(kQuick)).ok());
  const store::Claim before = claim_elsewhere(JobQueue::kWorker, 3'600'000);
  start();
  ASSERT_TRUE(recorder_.hears("succeeded"));
  EXPECT_FALSE(other_->finish(before, {JobState::kFailed, "{}", "[]", 1}).ok());
}

TEST_F(JobQueueTest, TakesThatBackWhileItIsPausedToo) {
  ASSERT_TRUE(store_->submit(job(kQuick)).ok());
  claim_elsewhere(JobQueue::kWorker, 3'600'000);
  ASSERT_TRUE(store::AccountStore(connection_).set("queue.paused", "yes").ok());
  start();
  ASSERT_TRUE(recorder_.hears("taken back"));
  EXPECT_EQ(kept().state, JobState::kQueued);
}

TEST_F(JobQueueTest, EndsAJobThatEndsItsWorkers) {
  wear_out_a_job();
  start();
  ASSERT_TRUE(recorder_.hears("left"));
  EXPECT_EQ(recorder_.told(), "failed left ");
  EXPECT_EQ(kept().state, JobState::kFailed);
  EXPECT_EQ(kept().error, "the program ended each time it ran this job");
  EXPECT_EQ(kept().finished_ms, kept().started_ms);
}

TEST_F(JobQueueTest, StartsAndStopsWhereSuchAJobCannotBeEnded) {
  wear_out_a_job();
  set_full(true);
  start();
  recorder_.see_an_end();
  queue_->stop();
  EXPECT_EQ(recorder_.told(), "");
  EXPECT_EQ(kept().state, JobState::kRunning);
  set_full(false);
  start();
  ASSERT_TRUE(recorder_.hears("left"));
  EXPECT_EQ(recorder_.told(), "failed left ");
}

}  // namespace
}  // namespace obscura::server
