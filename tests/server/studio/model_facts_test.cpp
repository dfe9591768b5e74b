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
  store("bad.safetensors", "an image");
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

TEST_F(ModelFactsTest, ShowsTheImageBesideAModel) {
  const std::string ours = "/api/v1/models/checkpoints/own%2Fa.v2.safetensors/preview";
  const std::string comfyui = "/api/experiment/models/preview/checkpoints/0/own%2Fa.v2.safetensors";
  const auto listed = [&] {
    const json list = get("/api/v1/models?kind=checkpoints").json();
    for (const json& model : list["models"])
      if (model["name"] == "own/a.v2.safetensors") return model["preview_ms"].get<std::int64_t>();
    return std::int64_t{-1};
  };
  store("own/a.v2.safetensors", "model");
  store("own/a.png", "another model's");
  EXPECT_EQ(listed(), 0);
  EXPECT_EQ(get(ours).status, 404);
  store("own/a.v2.webp", "last");
  EXPECT_EQ(get(ours).body, "webp of last");
  store("own/a.v2.preview.png", "second");
  EXPECT_EQ(get(ours).body, "webp of second");
  store("own/a.v2.png", "first");
  EXPECT_GT(listed(), 0);
  for (const std::string& route : {ours, comfyui}) {
    const Reply reply = get(route);
    EXPECT_EQ(reply.body, "webp of first") << route;
    EXPECT_NE(reply.head.find("Content-Type: image/webp"), std::string::npos) << reply.head;
    EXPECT_NE(reply.head.find("no-store"), std::string::npos) << reply.head;
  }
  EXPECT_NE(get(ours + "?v=1").head.find("immutable"), std::string::npos);
  EXPECT_EQ(get("/api/v1/models/checkpoints/base.safetensors/preview").status, 404);
  EXPECT_EQ(get("/api/v1/models/nonsense/base.safetensors/preview").status, 404);
  EXPECT_EQ(get("/experiment/models/preview/checkpoints/7/own%2Fa.v2.safetensors").status, 404);
}

TEST_F(ModelFactsTest, ReadsTheNotesBesideAModel) {
  store("a.safetensors", "model");
  const auto notes = [&] { return get("/api/v1/models/checkpoints/a.safetensors").json(); };
  EXPECT_EQ(notes()["trigger_words"], json::array());
  store(
      "a.json",
      R"({"activation text":" red bottle,, glossy ","description":"Bottles.","notes":"At 0.8."})");
  store("a.civitai.info", R"({"trainedWords":["glossy, studio", 7]})");
  EXPECT_EQ(notes()["trigger_words"], json({"red bottle", "glossy", "studio"}));
  EXPECT_EQ(notes()["description"], "Bottles.\nAt 0.8.");
  store("a.json", "{ broken");
  store("a.civitai.info", R"({"trainedWords":"no list"})");
  EXPECT_EQ(notes()["trigger_words"], json::array());
  EXPECT_EQ(notes()["description"], "");
}

TEST_F(ModelFactsTest, FollowsNoLinkOutOfTheModelsFolder) {
  store("a.safetensors", "model");
  const fs::path models = folder_.path() / "models" / "checkpoints";
  ASSERT_TRUE(write_file_atomically(folder_.path() / "secret.png", "secret").ok());
  ASSERT_TRUE(
      write_file_atomically(folder_.path() / "secret.json", R"({"activation text":"secret"})")
          .ok());
  fs::create_symlink(folder_.path() / "secret.png", models / "a.png");
  fs::create_symlink(folder_.path() / "secret.json", models / "a.json");
  EXPECT_EQ(get("/api/v1/models/checkpoints/a.safetensors/preview").status, 404);
  EXPECT_EQ(get("/api/v1/models/checkpoints/a.safetensors").json()["trigger_words"], json::array());
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
