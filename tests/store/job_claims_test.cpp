// Several workers over one store: who may run a job, renew it, and end it.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "store/job_store.h"
#include "store/temporary_folder.h"

namespace obscura::store {
namespace {

constexpr std::int64_t kLease = 1000;

Outcome done(std::int64_t now, JobState state = JobState::kDone) {
  return {state, "{}", "[]", now};
}

// Two stores over one file, as two parts of a program have them.
class JobClaimsTest : public ::testing::Test {
 protected:
  JobClaimsTest() {
    auto connection = Connection::open(folder_.path() / "obscura.db");
    EXPECT_TRUE(connection.ok()) << connection.error().message();
    for (auto* store : {&store_, &other_}) {
      auto opened = JobStore::open(*connection);
      EXPECT_TRUE(opened.ok()) << opened.error().message();
      *store = std::move(opened).value();
    }
  }

  void submit(const std::string& id) {
    NewJob job;
    job.id = id;
    job.prompt = job.extra_data = "{}";
    job.targets = "[]";
    ASSERT_TRUE(store_->submit(job).ok());
  }
  static std::optional<Job> claim(JobStore& store, const std::string& worker, std::int64_t now) {
    auto next = store.claim(worker, now, kLease);
    EXPECT_TRUE(next.ok()) << next.error().message();
    return next.ok() ? *next : std::nullopt;
  }
  // Ids with their states.
  std::string take_back(std::int64_t now, const std::string& worker = "") {
    auto jobs = store_->take_back(now, worker);
    EXPECT_TRUE(jobs.ok());
    std::string line;
    for (const Job& job : *jobs)
      line += job.id + (job.state == JobState::kQueued ? " waits " : " runs ");
    return line;
  }
  static void refused(const Status& status, const std::string& why) {
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().kind(), ErrorKind::kNotFound);
    EXPECT_NE(status.error().message().find(why), std::string::npos) << status.error().message();
  }

  obscura::testing::TemporaryFolder folder_;
  std::unique_ptr<JobStore> store_, other_;
};

TEST_F(JobClaimsTest, NameTheWorkerAndWhenItsLeaseEnds) {
  submit("a");
  EXPECT_FALSE(*store_->first_lease_end());
  const auto claimed = claim(*store_, "anna", 5000);
  ASSERT_TRUE(claimed);
  EXPECT_EQ(claimed->worker, "anna");
  const auto kept = *store_->summary(kDefaultProject, "a");
  EXPECT_EQ(kept->worker, "anna");
  EXPECT_EQ(kept->lease_ends_ms, 6000);
  EXPECT_EQ(kept->claims, claimed->claims);
  EXPECT_EQ(*store_->first_lease_end(), 6000);
  EXPECT_FALSE(claim(*other_, "bert", 5000)) << "there is no other";
}

TEST_F(JobClaimsTest, LastWhileTheyAreRenewed) {
  submit("a");
  const Claim anna = claim(*store_, "anna", 0)->claim();
  ASSERT_TRUE(store_->renew(anna, 900, kLease).ok());
  EXPECT_EQ(take_back(1800), "");
  EXPECT_EQ(take_back(1900), "a waits ");
}

TEST_F(JobClaimsTest, AreOverOnceAnotherWorkerHasTheJob) {
  submit("a");
  const Claim anna = claim(*store_, "anna", 0)->claim();
  EXPECT_EQ(take_back(kLease), "a waits ");
  refused(store_->renew(anna, kLease, kLease), "it waits again");
  const Claim bert = claim(*other_, "bert", kLease)->claim();
  refused(store_->renew(anna, kLease, kLease), "worker 'bert' has it");
  refused(store_->requeue(anna), "worker 'bert' has it");
  refused(store_->finish(anna, done(1100, JobState::kFailed)), "worker 'bert' has it");
  ASSERT_TRUE(other_->finish(bert, done(1200)).ok());
  refused(store_->finish(anna, done(1300, JobState::kFailed)), "it ended with worker 'bert'");
  refused(other_->finish(bert, done(1300, JobState::kFailed)), "it ended with worker 'bert'");
  const auto kept = *store_->summary(kDefaultProject, "a");
  EXPECT_EQ(kept->state, JobState::kDone);
  EXPECT_EQ(kept->finished_ms, 1200);
  EXPECT_EQ(kept->attempts, 2);
  EXPECT_EQ(store_->remaining(), 0U);
}

TEST_F(JobClaimsTest, TellTwoLivesOfAWorkerApart) {
  submit("a");
  const Claim before = claim(*store_, "anna", 0)->claim();
  EXPECT_EQ(take_back(1, "bert"), "") << "her lease has not ended";
  EXPECT_EQ(take_back(1, "anna"), "a waits ");
  const Claim after = claim(*store_, "anna", 1)->claim();
  refused(store_->finish(before, done(2)), "worker 'anna' has it");
  EXPECT_TRUE(store_->finish(after, done(2)).ok());
}

TEST_F(JobClaimsTest, MayBeLateIfNobodyTookTheJobBack) {
  submit("a");
  const Claim anna = claim(*store_, "anna", 0)->claim();
  EXPECT_TRUE(store_->renew(anna, 5000, kLease).ok());
  EXPECT_TRUE(store_->finish(anna, done(9000)).ok());
}

TEST_F(JobClaimsTest, OfAJobThatIsPutBackAreNoAttempt) {
  submit("a");
  for (int i = 0; i < 5; ++i) {
    const auto claimed = claim(*store_, "anna", 0);
    ASSERT_TRUE(claimed);
    EXPECT_EQ(claimed->attempts, 1);
    ASSERT_TRUE(store_->requeue(claimed->claim()).ok());
    refused(store_->requeue(claimed->claim()), "it waits again");
  }
}

TEST_F(JobClaimsTest, EndAfterSoManyAttemptsWithWhoeverTakesTheJobBack) {
  submit("a");
  submit("b");
  for (std::int64_t i = 1; i < JobStore::kMostAttempts; ++i) {
    EXPECT_EQ(claim(*store_, "anna", 0)->id, "a");
    EXPECT_EQ(take_back(kLease), "a waits ");
  }
  EXPECT_EQ(claim(*store_, "anna", 0)->id, "a");
  EXPECT_EQ(take_back(kLease), "a runs ");
  EXPECT_EQ(claim(*other_, "bert", kLease)->id, "b");
  EXPECT_EQ(take_back(kLease), "a runs ") << "until it has its end";
  auto left = store_->take_back(kLease);
  ASSERT_TRUE(left.ok());
  EXPECT_TRUE(store_->finish(left->front().claim(), done(9, JobState::kFailed)).ok());
  EXPECT_EQ(take_back(kLease), "");
  EXPECT_EQ(store_->remaining(), 1U);
}

TEST_F(JobClaimsTest, LeaveHeldJobsWaiting) {
  submit("a");
  claim(*store_, "anna", 0);
  ASSERT_TRUE(*store_->hold(kDefaultProject, "a", true));
  EXPECT_EQ(take_back(kLease), "a waits ");
  EXPECT_FALSE(claim(*other_, "bert", kLease));
}

// What a worker does in the test below. A third of what it claims it goes silent about, and comes
// back to when it is too late.
class Worker {
 public:
  Worker(JobStore& store, std::string name, std::vector<std::atomic<int>>& ends)
      : store_(store), name_(std::move(name)), ends_(ends) {}

  void work() {
    for (int i = 0; store_.remaining() > 0; ++i) {
      auto job = store_.claim(name_, 0, kLease);
      ASSERT_TRUE(job.ok()) << job.error().message();
      if (!*job) {
        take_back();
      } else if (i % 3 == 0) {
        forgotten_.push_back((*job)->claim());
      } else {
        end((*job)->claim());
      }
    }
    for (const Claim& late : forgotten_) end(late);
  }

 private:
  void end(const Claim& claim) {
    if (store_.finish(claim, done(1)).ok()) ++ends_[std::stoul(claim.job)];
  }
  // Everybody's time is up, also that of who is only slow.
  void take_back() {
    auto jobs = store_.take_back(kLease);
    ASSERT_TRUE(jobs.ok()) << jobs.error().message();
    for (const Job& job : *jobs)
      if (job.state == JobState::kRunning) end(job.claim());
  }

  JobStore& store_;
  std::string name_;
  std::vector<std::atomic<int>>& ends_;
  std::vector<Claim> forgotten_;
};

TEST_F(JobClaimsTest, OfManyThreadsLoseNoJobAndEndNoneTwice) {
  constexpr std::size_t kJobs = 300;
  std::vector<std::atomic<int>> ends(kJobs);
  for (std::size_t i = 0; i < kJobs; ++i) submit(std::to_string(i));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      Worker(i % 2 == 0 ? *store_ : *other_, "worker " + std::to_string(i), ends).work();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < kJobs; ++i) EXPECT_EQ(ends[i], 1) << "job " << i;
  EXPECT_EQ(*store_->count(kDefaultProject, JobList::kDone), static_cast<std::int64_t>(kJobs));
  EXPECT_EQ(store_->counts().done + other_->counts().done, static_cast<std::int64_t>(kJobs));
  EXPECT_EQ(store_->remaining(), 0U);
}

TEST_F(JobClaimsTest, GoOnWhileJobsCome) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) submit(std::to_string(t) + "-" + std::to_string(i));
    });
  }
  for (int ended = 0; ended < 200;) {
    auto next = claim(*other_, "anna", 1);
    if (!next) continue;
    ASSERT_TRUE(other_->finish(next->claim(), done(1)).ok());
    ++ended;
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(store_->history(kDefaultProject, std::nullopt, -1)->size(), 200U);
  EXPECT_EQ(store_->remaining(), 0U);
}

}  // namespace
}  // namespace obscura::store
