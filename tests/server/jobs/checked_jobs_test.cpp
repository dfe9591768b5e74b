// A job is parsed and validated once, from its submit to its end.
#include "server/jobs/checked_jobs.h"

#include <gtest/gtest.h>

#include "server/service_fixture.h"

namespace obscura::server {
namespace {

using namespace std::chrono_literals;

class CheckedOnceTest : public testing::ServiceTest {
 protected:
  void wait_for_plan(const std::string& id) {
    for (int i = 0; i < 1000; ++i) {
      if (get("/api/v1/jobs/" + id).json()["planned_bytes"] != 0) return;
      std::this_thread::sleep_for(10ms);
    }
    ADD_FAILURE() << "job " << id << " has no plan";
  }
  void set_paused(bool paused) {
    EXPECT_EQ(post(paused ? "/api/v1/queue/pause" : "/api/v1/queue/resume", "").status, 200);
  }
  // Planned, then run to its end.
  void run(const std::string& id) {
    wait_for_plan(id);
    set_paused(false);
    finished(id);
  }
};

TEST_F(CheckedOnceTest, ByComfyUisApi) {
  set_paused(true);
  run(submit(testing::slow(1, 0)));
  EXPECT_EQ(studio_->validations(), 1);
}

TEST_F(CheckedOnceTest, ByOurOwnApi) {
  set_paused(true);
  const testing::Reply reply = post("/api/v1/jobs", R"({"workflow":)" + testing::slow(1, 0) + "}");
  run(reply.json()["job"]["id"]);
  EXPECT_EQ(studio_->validations(), 1);
}

TEST_F(CheckedOnceTest, AndOnceMoreAfterARestart) {
  set_paused(true);
  const std::string id = submit(testing::slow(1, 0));
  stop();
  start();
  run(id);
  EXPECT_EQ(studio_->validations(), 1) << "of this studio, which is a new one";
}

TEST_F(CheckedOnceTest, AndOnceMoreWhereItIsTriedAgain) {
  const std::string id = submit(testing::slow(1, 0));
  finished(id);
  EXPECT_EQ(studio_->validations(), 1);
  set_paused(true);
  const testing::json again = post("/api/v1/jobs/" + id + "/retry", "").json();
  run(again["id"]);
  EXPECT_EQ(studio_->validations(), 2);
}

class CheckedJobsTest : public ::testing::Test {
 protected:
  static store::Job job(const std::string& id) {
    store::Job job;
    job.id = id;
    job.project = store::kDefaultProject;
    job.prompt = testing::slow(1, 0);
    job.targets = R"(["8"])";
    job.extra_data = R"({"preview_method":"none","extra_pnginfo":{"workflow":{}}})";
    return job;
  }

  testing::FakeStudio studio_;
  CheckedJobs jobs_{studio_};
};

TEST_F(CheckedJobsTest, AreThoseOfTheStore) {
  const auto checked = jobs_.of(job("a"));
  ASSERT_TRUE(checked.ok()) << checked.error().message();
  EXPECT_TRUE((*checked)->workflow.complete());
  EXPECT_EQ((*checked)->workflow.resolved.nodes.size(), 2U);
  EXPECT_FALSE((*checked)->previews);
  EXPECT_TRUE((*checked)->extra_pnginfo.contains("workflow"));
  EXPECT_EQ(jobs_.of(job("a")).value(), *checked);
  EXPECT_EQ(studio_.validations(), 1);
  jobs_.forget("a");
  EXPECT_TRUE(jobs_.of(job("a")).ok());
  EXPECT_EQ(studio_.validations(), 2);
}

TEST_F(CheckedJobsTest, AreRefusedIfTheyAreNotSound) {
  store::Job unsound = job("a");
  unsound.prompt = R"({"7":{"class_type":"Gone","inputs":{}}})";
  EXPECT_EQ(jobs_.of(unsound).error().kind(), ErrorKind::kInvalidInput);
  unsound.prompt = "no JSON";
  EXPECT_FALSE(jobs_.of(unsound).ok());
}

TEST_F(CheckedJobsTest, AreKeptAsLongAsThereIsRoom) {
  for (std::size_t i = 0; i <= CheckedJobs::kMostJobs; ++i)
    ASSERT_TRUE(jobs_.of(job(std::to_string(i))).ok());
  const int before = studio_.validations();
  ASSERT_TRUE(jobs_.of(job("0")).ok());
  EXPECT_EQ(studio_.validations(), before);
  const std::string last = std::to_string(CheckedJobs::kMostJobs);
  ASSERT_TRUE(jobs_.of(job(last)).ok());
  EXPECT_EQ(studio_.validations(), before + 1) << "there was no room for the last";
  jobs_.forget("0");
  ASSERT_TRUE(jobs_.of(job(last)).ok());
  ASSERT_TRUE(jobs_.of(job(last)).ok());
  EXPECT_EQ(studio_.validations(), before + 2);
}

TEST_F(CheckedJobsTest, AreOfSoManyBytes) {
  const auto checked = jobs_.of(job("a")).value();
  EXPECT_FALSE(jobs_.keep("large", checked, CheckedJobs::kMostBytes));
  jobs_.forget("a");
  EXPECT_TRUE(jobs_.keep("large", checked, CheckedJobs::kMostBytes));
  EXPECT_FALSE(jobs_.keep("large", checked, 1)) << "it is there";
  EXPECT_FALSE(jobs_.keep("small", checked, 1));
}

}  // namespace
}  // namespace obscura::server
