// A file that an older version of the program wrote is brought up to date, and nothing is lost.
#include "store/schema.h"

#include <gtest/gtest.h>

#include <string>

#include "base/files.h"
#include "store/audit_log.h"
#include "store/job_store.h"
#include "store/result_store.h"
#include "store/temporary_folder.h"
#include "test_paths.h"

namespace obscura::store {
namespace {

// version_3.sql is the dump of a file that the program before leases wrote, which ended while a job
// ran.
class OldFileTest : public ::testing::Test {
 protected:
  OldFileTest() {
    auto sql = read_file(source_path("tests/golden/store_version_3.sql"));
    EXPECT_TRUE(sql.ok());
    auto database = Database::open(path());
    EXPECT_TRUE(database.ok());
    const Status filled = database->execute(sql->c_str());
    EXPECT_TRUE(filled.ok()) << filled.error().message();
  }
  std::filesystem::path path() const { return folder_.path() / "obscura.db"; }

  obscura::testing::TemporaryFolder folder_;
};

std::string id_of(int number) {
  return "00000000-0000-4000-8000-00000000000" + std::to_string(number);
}

TEST_F(OldFileTest, KeepsJobsResultsAndHistory) {
  auto connection = Connection::open(path());
  ASSERT_TRUE(connection.ok()) << connection.error().message();
  auto jobs = JobStore::open(*connection);
  ASSERT_TRUE(jobs.ok()) << jobs.error().message();
  EXPECT_EQ((*jobs)->remaining(), 3U);
  auto history = (*jobs)->history(kDefaultProject, std::nullopt, -1);
  ASSERT_TRUE(history.ok());
  ASSERT_EQ(history->size(), 2U);
  const Job& first = history->front();
  EXPECT_EQ(first.id, id_of(1));
  EXPECT_EQ(first.client_id, "c");
  EXPECT_EQ(first.started_ms, 1796107135059);
  EXPECT_EQ(first.planned_bytes, 102880812);
  EXPECT_TRUE(first.messages.starts_with(R"([["execution_start",)")) << first.messages;
  EXPECT_TRUE(first.outputs.starts_with(R"({"7":{"images":[{"filename":"small_00001_.png")"));
  EXPECT_EQ(first.worker, "");
  const ResultStore results(*connection);
  ASSERT_EQ(*results.count(kDefaultProject, id_of(2)), 1);
  EXPECT_EQ(results.list(kDefaultProject, id_of(2), -1, 0)->front().filename, "small_00002_.png");
  EXPECT_EQ(*AuditLog(*connection).count(""), 7);
}

TEST_F(OldFileTest, LetsAnyWorkerHaveTheJobThatRan) {
  auto jobs = JobStore::open(path());
  ASSERT_TRUE(jobs.ok()) << jobs.error().message();
  auto back = (*jobs)->take_back(1);
  ASSERT_TRUE(back.ok());
  ASSERT_EQ(back->size(), 1U);
  EXPECT_EQ(back->front().id, id_of(3));
  for (int number : {4, 3, 5}) {
    auto next = (*jobs)->claim("anna", 1, 1000);
    ASSERT_TRUE(next.ok() && *next);
    EXPECT_EQ((*next)->id, id_of(number)) << "in its old place";
    EXPECT_EQ((*next)->attempts, number == 3 ? 2 : 1);
  }
  EXPECT_EQ(*(*jobs)->submit({.id = "new"}), 5) << "numbers go on";
}

}  // namespace
}  // namespace obscura::store
