// What one model is, and what a workflow would hold.
#include "base/files.h"
#include "server/service_fixture.h"

namespace obscura::server {
namespace {

using namespace testing;  // NOLINT: the fixture
namespace fs = std::filesystem;

class ModelFactsTest : public ServiceTest {
 protected:
  void store(const std::string& name, const std::string& content) {
    const fs::path file = folder_.path() / "models" / "checkpoints" / name;
    fs::create_directories(file.parent_path());
    ASSERT_TRUE(write_file_atomically(file, content).ok());
  }
};

TEST_F(ModelFactsTest, SaysWhatAFileIs) {
  store("own/new.safetensors", "model of a kind");
  const Reply reply = get("/api/v1/models/checkpoints/own%2Fnew.safetensors");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.json()["title"], "one of checkpoints");
  EXPECT_EQ(reply.json()["error"], "");
  EXPECT_EQ(reply.json()["digest"], "digest of own/new.safetensors");
  EXPECT_EQ(reply.json()["model"]["bytes"], 15);
}

TEST_F(ModelFactsTest, SaysWhyAFileIsOfNoUseByItsOwnName) {
  store("bad.safetensors", "a picture");
  const Reply reply = get("/api/v1/models/checkpoints/bad.safetensors");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.json()["title"], "");
  EXPECT_EQ(reply.json()["error"], "bad.safetensors is no model");
}

TEST_F(ModelFactsTest, KnowsWhatIsInTheProgramAndWhatIsNowhere) {
  EXPECT_EQ(get("/api/v1/models/checkpoints/base.safetensors").json()["model"]["inside"], true);
  EXPECT_EQ(get("/api/v1/models/checkpoints/none.safetensors").status, 404);
  EXPECT_EQ(get("/api/v1/models/nonsense/base.safetensors").status, 404);
}

TEST_F(ModelFactsTest, PlansAWorkflowWithoutRunningIt) {
  const Reply plan = post("/api/v1/plan", R"({"workflow":)" + std::string(kSum) + "}");
  ASSERT_EQ(plan.status, 200) << plan.body;
  EXPECT_EQ(plan.json()["planned_bytes"], 3000);
  EXPECT_EQ(plan.json()["budget_bytes"], 1'000'000);
  EXPECT_EQ(get("/api/v1/jobs?state=unfinished").json()["total"], 0);
  EXPECT_EQ(get("/api/v1/jobs?state=finished").json()["total"], 0);
  EXPECT_EQ(post("/api/v1/plan", R"({"workflow":"none"})").status, 400);
  EXPECT_EQ(post("/api/v1/plan", "[]").status, 400);
}

}  // namespace
}  // namespace obscura::server
