// What ComfyUI's newer editors ask for: /api/jobs, and /internal.
#include "base/log.h"
#include "server/service_fixture.h"

namespace obscura::server {
namespace {

using namespace testing;  // NOLINT: the fixture

constexpr char kKept[] = R"({"1":{"class_type":"SaveImage","inputs":{"name":"a.png"}}})";

class ComfyUiViewsTest : public ServiceTest {
 protected:
  json view(const std::string& id) { return get("/api/jobs/" + id).json(); }
  Reply patch(const std::string& target, const std::string& body) {
    return Client(port()).request("PATCH", target, body);
  }
};

TEST_F(ComfyUiViewsTest, ShowAFinishedJob) {
  const std::string id =
      submit(kKept, R"(,"extra_data":{"extra_pnginfo":{"workflow":{"id":"w1","nodes":[]}}})");
  finished(id);
  const json job = view(id);
  EXPECT_EQ(job["id"], id);
  EXPECT_EQ(job["status"], "completed");
  EXPECT_EQ(job["workflow_id"], "w1");
  EXPECT_EQ(job["outputs_count"], 1);
  EXPECT_EQ(job["previewable_outputs_count"], 1);
  EXPECT_EQ(job["preview_output"], json({{"filename", "a.png"},
                                         {"subfolder", ""},
                                         {"type", "output"},
                                         {"nodeId", "1"},
                                         {"mediaType", "images"}}));
  EXPECT_GE(job["execution_end_time"], job["execution_start_time"]);
  EXPECT_EQ(job["workflow"]["prompt"], json::parse(kKept));
  EXPECT_EQ(job["execution_status"]["status_str"], "success");
  EXPECT_FALSE(job.contains("execution_error"));
  EXPECT_EQ(get("/api/jobs/nothing").status, 404);
  EXPECT_EQ(get("/api/jobs/nothing").json()["error"], "Job not found");
}

TEST_F(ComfyUiViewsTest, ListByStatusWorkflowAndOrder) {
  const std::string done =
      submit(kKept, R"(,"extra_data":{"extra_pnginfo":{"workflow":{"id":"w"}}})");
  finished(done);
  const std::string failed =
      submit(R"({"2":{"class_type":"Fails","inputs":{"how":"error"}},)"
             R"("3":{"class_type":"Save","inputs":{"box":["2",0],"prefix":"x"}}})");
  finished(failed);
  EXPECT_TRUE(view(failed).contains("execution_error")) << view(failed);
  const std::string running = submit(slow(10000, 5));
  while (get("/api/jobs?status=in_progress").json()["pagination"]["total"] == 0) {
  }
  const std::string first = submit(slow(1, 1, "one")), second = submit(slow(1, 1, "two"));
  auto ids = [&](const std::string& query) {
    std::vector<std::string> found;
    const json answer = get("/api/jobs" + query).json();
    for (const json& job : answer["jobs"]) found.push_back(job["id"]);
    return found;
  };
  using Ids = std::vector<std::string>;
  EXPECT_EQ(ids("?status=pending&sort_order=asc"), (Ids{first, second}));
  EXPECT_EQ(ids("?status=in_progress"), (Ids{running}));
  EXPECT_EQ(ids("?status=completed,failed&sort_order=asc"), (Ids{done, failed}));
  EXPECT_EQ(ids("?workflow_id=w"), (Ids{done}));
  EXPECT_EQ(ids("?limit=2&sort_order=asc"), (Ids{done, failed}));
  EXPECT_EQ(ids("?limit=1&offset=4&sort_order=asc"), (Ids{second}));
  const json page = get("/api/jobs?limit=2").json()["pagination"];
  EXPECT_EQ(page, json({{"offset", 0}, {"limit", 2}, {"total", 5}, {"has_more", true}}));
  for (const char* bad :
       {"?status=gone", "?limit=0", "?offset=-1", "?sort_by=name", "?sort_order=up"})
    EXPECT_EQ(get(std::string("/api/jobs") + bad).status, 400) << bad;

  EXPECT_EQ(post("/api/jobs/" + first + "/cancel", "").json()["cancelled"], true);
  EXPECT_EQ(post("/api/jobs/" + first + "/cancel", "").json()["cancelled"], false);
  const Reply malformed = post("/api/jobs/cancel", R"({"job_ids":["x",")" + second + R"("]})");
  EXPECT_EQ(malformed.status, 400);
  EXPECT_EQ(malformed.json()["invalid_ids"], json({"x"}));
  EXPECT_EQ(post("/api/jobs/cancel", R"({"job_ids":[")" + second + R"(",")" + running + R"("]})")
                .json()["cancelled"],
            true);
  finished(running);
  EXPECT_EQ(view(running)["status"], "cancelled");
  EXPECT_EQ(view(second)["status"], "cancelled");
}

TEST_F(ComfyUiViewsTest, TellTheLogToWhoSubscribes) {
  Listener listener(port(), "me");
  listener.until("status");
  EXPECT_EQ(patch("/internal/logs/subscribe", R"({"clientId":"me","enabled":true})").status, 200);
  EXPECT_EQ(patch("/internal/logs/subscribe", R"({"clientId":7})").status, 400);
  log::warn("a line for the log");
  const json told = listener.until("logs").back()["data"];
  EXPECT_NE(told["entries"][0]["m"].get<std::string>().find("a line for the log"),
            std::string::npos);
  EXPECT_NE(get("/internal/logs").json().get<std::string>().find("a line for the log"),
            std::string::npos);
  const json raw = get("/internal/logs/raw").json();
  EXPECT_EQ(raw["entries"].back(), told["entries"][0]);
  EXPECT_TRUE(raw["size"].contains("cols"));
}

TEST_F(ComfyUiViewsTest, NameFilesAndFolders) {
  finished(submit(kKept));
  EXPECT_EQ(get("/internal/files/output").json(), json({"a.png"}));
  EXPECT_EQ(get("/internal/files/elsewhere").status, 400);
  ASSERT_EQ(Client(port())
                .request("PUT", "/api/v1/models/checkpoints/sub%2Fa.safetensors", "model")
                .status,
            201);
  EXPECT_EQ(get("/internal/folder_paths").json()["checkpoints"],
            json({(folder_.path() / "models/checkpoints").string()}));
}

TEST_F(ComfyUiViewsTest, SayThatThereIsNothing) {
  EXPECT_EQ(get("/api/node_replacements").json(), json::object());
  EXPECT_EQ(get("/api/assets?limit=1").status, 503);
  EXPECT_EQ(get("/api/assets").json()["error"]["code"], "SERVICE_DISABLED");
}

TEST_F(ComfyUiViewsTest, ShowTheLogToTheOwnerAlone) {
  const json user =
      post("/api/v1/users", R"({"name":"art","role":"artist","projects":["default"]})").json();
  const std::string token = "Authorization: Bearer " + user["token"].get<std::string>() + "\r\n";
  for (const char* path : {"/internal/logs", "/internal/logs/raw", "/internal/folder_paths"})
    EXPECT_EQ(Client(port()).request("GET", path, "", token).status, 403) << path;
  EXPECT_EQ(Client(port()).request("GET", "/internal/files/output", "", token).status, 200);
}

}  // namespace
}  // namespace obscura::server
