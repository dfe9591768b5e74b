#include "store/account_store.h"

#include <gtest/gtest.h>

#include "store/audit_log.h"
#include "store/job_store.h"
#include "store/result_store.h"
#include "store/temporary_folder.h"

namespace obscura::store {
namespace {

class AccountStoreTest : public ::testing::Test {
 protected:
  AccountStoreTest() {
    auto opened = Connection::open(folder_.path() / "obscura.db");
    EXPECT_TRUE(opened.ok()) << opened.error().message();
    connection_ = *opened;
    jobs_ = *JobStore::open(connection_);
    accounts_.emplace(connection_);
  }
  void submit(const std::string& id, const std::string& project) {
    NewJob job;
    job.id = id;
    job.project = project;
    EXPECT_TRUE(jobs_->submit(job).ok());
  }

  testing::TemporaryFolder folder_;
  std::shared_ptr<Connection> connection_;
  std::unique_ptr<JobStore> jobs_;
  std::optional<AccountStore> accounts_;
};

TEST_F(AccountStoreTest, KeepsProjectsAndWhoSeesThem) {
  ASSERT_TRUE(accounts_->add_project("acme", "ACME", 5).ok());
  EXPECT_FALSE(accounts_->add_project("acme", "", 6).ok());
  for (const char* bad : {"", "..", "A", "a/b", "-a", "a b"})
    EXPECT_FALSE(accounts_->add_project(bad, "", 6).ok()) << bad;
  EXPECT_EQ(accounts_->projects()->size(), 2U);
  EXPECT_EQ(accounts_->put_user({"ann", "artist", {"none"}, "d1", 1}).error().kind(),
            ErrorKind::kNotFound);
  ASSERT_TRUE(accounts_->put_user({"ann", "artist", {"default", "acme"}, "d1", 1}).ok());
  ASSERT_TRUE(accounts_->put_user({"ann", "viewer", {"default", "acme"}, "d2", 2}).ok());
  EXPECT_FALSE(*accounts_->find_user_by_token_digest("d1"));
  EXPECT_EQ((*accounts_->find_user_by_token_digest("d2"))->role, "viewer");
  ASSERT_TRUE(accounts_->delete_project("acme").ok());
  EXPECT_EQ((*accounts_->find_user_by_token_digest("d2"))->projects,
            std::vector<std::string>{"default"});
  EXPECT_TRUE(*accounts_->delete_user("ann"));
  EXPECT_FALSE(*accounts_->delete_user("ann"));
  EXPECT_FALSE(accounts_->delete_project(kDefaultProject).ok());
}

TEST_F(AccountStoreTest, DeletesAProjectWithAllThatItHas) {
  ASSERT_TRUE(accounts_->add_project("acme", "", 5).ok());
  submit("a", "acme");
  submit("b", "acme");
  submit("c", kDefaultProject);
  ASSERT_TRUE(jobs_->claim("w", 1, 1000).ok());
  EXPECT_FALSE(accounts_->delete_project("acme").ok()) << "a job of it is running";
  Outcome outcome{JobState::kDone, "{}", "[]", 2, "", {}, "{}"};
  outcome.results.push_back({"1", "abcd", "", "a.png", "image/png", 3, 1, 1});
  ASSERT_TRUE(jobs_->finish({"a", "w", 1}, outcome).ok());
  ResultStore results(connection_);
  EXPECT_EQ(results.list("acme", "a", -1, 0)->size(), 1U);
  EXPECT_EQ(results.list(kDefaultProject, "", -1, 0)->size(), 0U);
  EXPECT_FALSE(*results.find(kDefaultProject, 1));
  ASSERT_TRUE(accounts_->delete_project("acme").ok());
  EXPECT_EQ(jobs_->remaining(), 1U);
  EXPECT_FALSE(*jobs_->find("acme", "a"));
  EXPECT_TRUE(*jobs_->find(kDefaultProject, "c"));
  EXPECT_EQ(*results.count("acme", ""), 0);
  // What was done stays known.
  EXPECT_EQ(*AuditLog(connection_).count("acme"), 3);
}

TEST_F(AccountStoreTest, ChangesNothingOfAnotherProject) {
  ASSERT_TRUE(accounts_->add_project("acme", "", 5).ok());
  submit("a", kDefaultProject);
  const std::vector<std::string> ids = {"a"};
  EXPECT_EQ(*jobs_->cancel("acme", ids, 1), 0U);
  EXPECT_FALSE(*jobs_->hold("acme", "a", true));
  EXPECT_FALSE(jobs_->move_to_end("acme", "a", true).ok());
  EXPECT_EQ(jobs_->remaining("acme"), 0U);
  EXPECT_EQ(jobs_->remaining(kDefaultProject), 1U);
}

TEST(Schema, BringsAFileOfTheFirstVersionUpToDate) {
  testing::TemporaryFolder folder;
  const auto path = folder.path() / "obscura.db";
  {
    auto database = Database::open(path);
    ASSERT_TRUE(database.ok());
    ASSERT_TRUE(
        database
            ->execute(
                "CREATE TABLE jobs (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL "
                "UNIQUE, number REAL NOT NULL, state INTEGER NOT NULL, prompt TEXT NOT NULL, "
                "extra_data TEXT NOT NULL, targets TEXT NOT NULL, client_id TEXT NOT NULL, "
                "created_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL DEFAULT 0, finished_ms "
                "INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, outputs TEXT NOT "
                "NULL DEFAULT '', messages TEXT NOT NULL DEFAULT '');"
                "CREATE INDEX jobs_waiting ON jobs (state, number, sequence) WHERE state <= 1;"
                "CREATE INDEX jobs_finished ON jobs (finished_ms, sequence) WHERE state >= 2;"
                "INSERT INTO jobs VALUES (4,'old',4,2,'{\"p\":1}','{}','[]','c',1,2,3,1,'{}','[]');"
                "INSERT INTO jobs VALUES (7,'next',7,0,'{}','{}','[]','c',1,0,0,0,'','');"
                "PRAGMA user_version=1;")
            .ok());
  }
  auto jobs = JobStore::open(path);
  ASSERT_TRUE(jobs.ok()) << jobs.error().message();
  EXPECT_EQ((*jobs)->remaining(), 1U);
  const auto old = *(*jobs)->find(kDefaultProject, "old");
  ASSERT_TRUE(old);
  EXPECT_EQ(old->prompt, "{\"p\":1}");
  EXPECT_EQ(old->finished_ms, 3);
  NewJob fresh;
  fresh.id = "new";
  // Numbers go on where they were.
  EXPECT_EQ(*(*jobs)->submit(fresh), 7);
  EXPECT_EQ((*(*jobs)->claim("w", 9, 1000))->id, "next");
}

}  // namespace
}  // namespace obscura::store
