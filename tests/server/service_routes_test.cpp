// The routes of ComfyUI's API.
#include "server/service_fixture.h"

namespace obscura::server {
namespace {

using namespace testing;  // NOLINT: the fixture
using namespace std::chrono_literals;

TEST_F(ServiceTest, ListsAndEmptiesTheQueue) {
  const std::string running = submit(slow(10000, 1));
  for (int i = 0; i < 500 && get("/queue").json()["queue_running"].empty(); ++i)
    std::this_thread::sleep_for(5ms);
  std::vector<std::string> waiting;
  for (const char* name : {"a", "b", "c"}) waiting.push_back(submit(slow(1, 0, name)));
  const std::string front = submit(slow(1, 0, "d"), R"(,"front":true)");
  json queue = get("/api/queue").json();
  ASSERT_EQ(queue["queue_running"].size(), 1U);
  ASSERT_EQ(queue["queue_pending"].size(), 4U);
  EXPECT_EQ(queue["queue_running"][0][1], running);
  EXPECT_EQ(queue["queue_pending"][0][1], front);
  EXPECT_EQ(get("/prompt").json()["exec_info"]["queue_remaining"], 5);
  EXPECT_EQ(post("/queue", R"({"delete":[")" + waiting[1] + R"("]})").status, 200);
  EXPECT_EQ(get("/queue").json()["queue_pending"].size(), 3U);
  EXPECT_EQ(post("/queue", R"({"clear":true})").status, 200);
  EXPECT_EQ(get("/queue").json()["queue_pending"].size(), 0U);
  EXPECT_EQ(get("/history/" + waiting[0]).json(), json::object());
  post("/interrupt", "{}");
  finished(running);
}

TEST_F(ServiceTest, RunsAgainWhatWasRunningWhenItStopped) {
  const std::string id = submit(slow(300, 10));
  const std::string next = submit(kSum);
  for (int i = 0; i < 500 && get("/queue").json()["queue_running"].empty(); ++i)
    std::this_thread::sleep_for(5ms);
  stop();
  start();
  const json queue = get("/queue").json();
  EXPECT_EQ(queue["queue_running"].size() + queue["queue_pending"].size(), 2U);
  post("/interrupt", "");
  EXPECT_EQ(finished(next)["status"]["status_str"], "success");
  EXPECT_EQ(get("/history").json().size(), 2U);
  EXPECT_EQ(get("/history?max_items=1").json().size(), 1U);
  EXPECT_TRUE(get("/history?max_items=1&offset=0").json().contains(id));
  EXPECT_EQ(get("/history?max_items=x").status, 400);
  EXPECT_EQ(post("/history", R"({"delete":[")" + id + R"("]})").status, 200);
  EXPECT_EQ(get("/history").json().size(), 1U);
  EXPECT_EQ(post("/history", R"({"clear":true})").status, 200);
  EXPECT_EQ(get("/history").json().size(), 0U);
}

TEST_F(ServiceTest, RefusesPromptsInComfyUisShape) {
  Reply reply = post("/prompt", R"({"prompt":{"1":{"class_type":"Box","inputs":{"value":1000}},)"
                                R"("3":{"class_type":"Save","inputs":{"box":["1",0]}}}})");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.json()["error"]["type"], "prompt_outputs_failed_validation");
  EXPECT_EQ(reply.json()["node_errors"]["1"]["class_type"], "Box");
  EXPECT_EQ(reply.json()["node_errors"]["1"]["errors"][0]["type"], "value_bigger_than_max");
  const std::pair<const char*, const char*> cases[] = {
      {"{}", "no_prompt"},
      {"[]", "no_prompt"},
      {"{", "invalid_json"},
      {R"({"prompt":[]})", "invalid_prompt"},
      {R"({"prompt":{"1":{"class_type":"Box","inputs":{"value":1}}}})", "prompt_no_outputs"},
      {R"({"prompt":{},"prompt_id":"../../x"})", "invalid_prompt_id"},
      {R"({"prompt":{},"prompt_id":7})", "invalid_prompt_id"},
  };
  for (const auto& [body, type] : cases) {
    reply = post("/prompt", body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_EQ(reply.json()["error"]["type"], type) << body;
  }
  const std::string id = "01234567-89ab-4cde-8f01-23456789abcd";
  EXPECT_EQ(submit(kSum, R"(,"prompt_id":")" + id + "\""), id);
  reply = post("/prompt", R"({"prompt":)" + std::string(kSum) + R"(,"prompt_id":")" + id + R"("})");
  EXPECT_EQ(reply.status, 400);
}

TEST_F(ServiceTest, DescribesNodesAndModels) {
  EXPECT_EQ(get("/object_info").json()["Save"]["output_node"], true);
  EXPECT_TRUE(get("/api/object_info/Box").json()["Box"]["input"]["required"].contains("value"));
  EXPECT_EQ(get("/object_info/None").json(), json::object());
  EXPECT_EQ(get("/models").json(), json({"checkpoints", "embeddings"}));
  EXPECT_EQ(get("/models/checkpoints").json(), json({"base.safetensors"}));
  EXPECT_EQ(get("/models/nothing").status, 404);
  EXPECT_EQ(get("/embeddings").json(), json({"a/bad"}));
  EXPECT_EQ(get("/experiment/models").json()[0]["name"], "checkpoints");
  EXPECT_EQ(get("/experiment/models/checkpoints").json()[0]["name"], "base.safetensors");
  EXPECT_EQ(get("/view_metadata/checkpoints?filename=base.safetensors").json()["format"], "pt");
  EXPECT_EQ(get("/view_metadata/checkpoints?filename=other").status, 404);
  EXPECT_EQ(get("/view_metadata/nothing?filename=other").status, 404);
  EXPECT_GT(get("/system_stats").json()["system"]["ram_total"].get<std::uint64_t>(), 0U);
  EXPECT_EQ(get("/system_stats").json()["devices"][0]["type"], "cpu");
  EXPECT_EQ(get("/features").json()["supports_preview_metadata"], true);
  EXPECT_EQ(get("/extensions").json(), json::array());
  EXPECT_EQ(get("/users").json()["storage"], "server");
}

TEST_F(ServiceTest, FreesMemoryBetweenJobs) {
  EXPECT_EQ(post("/free", R"({"unload_models":true})").status, 200);
  for (int i = 0; i < 500 && studio_->released().empty(); ++i) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(studio_->released(), "models ");
}

TEST_F(ServiceTest, TakesAndShowsImages) {
  const char* type = "Content-Type: multipart/form-data; boundary=B\r\n";
  Client client(port());
  Reply reply = client.request("POST", "/upload/image", form({}, "a b.png", "one"), type);
  EXPECT_EQ(reply.json(), json({{"name", "a b.png"}, {"subfolder", ""}, {"type", "input"}}));
  reply = client.request("POST", "/upload/image", form({}, "a b.png", "two"), type);
  EXPECT_EQ(reply.json()["name"], "a b (1).png");
  reply = client.request("POST", "/upload/image",
                         form({{"overwrite", "true"}, {"subfolder", "s"}}, "c.png", "x"), type);
  EXPECT_EQ(reply.json()["subfolder"], "s");
  reply = client.request("GET", "/view?filename=a%20b.png&type=input");
  EXPECT_EQ(reply.body, "one");
  EXPECT_NE(reply.head.find("Content-Type: image/png"), std::string::npos) << reply.head;
  EXPECT_NE(reply.head.find("nosniff"), std::string::npos);
  EXPECT_EQ(client.request("GET", "/view?filename=a+b.png+%5Binput%5D").body, "one");
  EXPECT_EQ(client.request("GET", "/view?filename=c.png&subfolder=s&type=input").body, "x");
  reply = client.request("GET", "/view?filename=a%20b.png&type=input&preview=jpeg%3B70");
  EXPECT_EQ(reply.body, "jpeg of one");
  EXPECT_NE(reply.head.find("Content-Type: image/jpeg"), std::string::npos) << reply.head;
  EXPECT_EQ(client.request("GET", "/view?filename=a%20b.png&type=input&channel=rgb").body,
            "png of one");
  reply = client.request("HEAD", "/view?filename=a%20b.png&type=input");
  EXPECT_EQ(reply.status, 200);
  EXPECT_NE(reply.head.find("Content-Length: 3"), std::string::npos) << reply.head;
  const std::string original = R"({"filename":"c.png","subfolder":"s","type":"input"})";
  reply = client.request("POST", "/upload/mask",
                         form({{"original_ref", original}}, "m.png", "mask"), type);
  EXPECT_EQ(reply.json()["name"], "m.png") << reply.body;
  EXPECT_EQ(client.request("GET", "/view?filename=m.png&type=input").body, "x+mask");
  EXPECT_EQ(client.request("GET", "/view?filename=none.png").status, 404);
  EXPECT_EQ(client.request("GET", "/view?filename=a&type=models").status, 400);
  EXPECT_EQ(client.request("GET", "/view").status, 400);
}

TEST_F(ServiceTest, KeepsSettingsAndUserData) {
  EXPECT_EQ(get("/settings").json(), json::object());
  EXPECT_EQ(post("/settings", R"({"a":1,"b":"x"})").status, 200);
  EXPECT_EQ(post("/settings/a", "2").status, 200);
  EXPECT_EQ(get("/settings").json(), json({{"a", 2}, {"b", "x"}}));
  EXPECT_EQ(get("/settings/a").json(), 2);
  EXPECT_EQ(post("/userdata/workflows%2Fx.json?overwrite=false", "{}").json(), "workflows/x.json");
  EXPECT_EQ(post("/userdata/workflows%2Fx.json?overwrite=false", "{}").status, 409);
  EXPECT_EQ(get("/userdata?dir=workflows").json(), json({"x.json"}));
  EXPECT_EQ(get("/userdata?dir=workflows&full_info=true").json()[0]["size"], 2);
  EXPECT_EQ(get("/userdata").status, 400);
  EXPECT_EQ(get("/userdata?dir=nothing").status, 404);
  EXPECT_EQ(get("/v2/userdata").json()[1]["type"], "directory");
  EXPECT_EQ(get("/userdata/workflows%2Fx.json").body, "{}");
  EXPECT_EQ(post("/userdata/workflows%2Fx.json/move/y.json", "").json(), "y.json");
  EXPECT_EQ(get("/userdata/workflows%2Fx.json").status, 404);
  EXPECT_EQ(Client(port()).request("DELETE", "/userdata/y.json").status, 204);
  EXPECT_EQ(get("/userdata/y.json").status, 404);
}

}  // namespace
}  // namespace obscura::server
