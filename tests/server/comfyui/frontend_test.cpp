// What ComfyUI's own editor asks of a server when it starts and while it works, in its order, and
// the shapes that it reads the answers as (its schemas of 1.45): a list of requests, so that no
// part of it goes missing unnoticed.
#include "server/json_schema.h"
#include "server/service_fixture.h"

namespace obscura::server {
namespace {

using namespace testing;  // NOLINT: the fixture

constexpr char kFileFacts[] = R"({"type":"object","required":["path","size","modified"],
  "properties":{"path":{"type":"string"},"size":{"type":"integer"},"modified":{"type":"integer"}}})";

constexpr char kJob[] =
    R"({"type":"object","required":["id","status","create_time","priority"],"properties":{
  "id":{"type":"string"},
  "status":{"type":"string","enum":["pending","in_progress","completed","failed","cancelled"]},
  "create_time":{"type":"number"},"priority":{"type":"number"},
  "execution_start_time":{"type":"number"},"execution_end_time":{"type":"number"},
  "outputs_count":{"type":"integer"},"workflow_id":{"type":"string"},
  "preview_output":{"type":"object","required":["nodeId","mediaType"],"properties":{
    "nodeId":{"type":"string"},"mediaType":{"type":"string"},"filename":{"type":"string"},
    "subfolder":{"type":"string"},"type":{"type":"string","enum":["output","input","temp"]}}}}})";

std::string list_of(const std::string& items) {
  return R"({"type":"array","items":)" + items + "}";
}
std::string jobs() {
  return R"({"type":"object","required":["jobs","pagination"],"properties":{"jobs":)" +
         list_of(kJob) +
         R"(,"pagination":{"type":"object","required":["offset","limit","total","has_more"],"properties":{
    "offset":{"type":"integer"},"limit":{"type":"integer"},"total":{"type":"integer"},"has_more":{"type":"boolean"}}}}})";
}

struct Asked {
  std::string target;
  int status;
  std::string schema;  // empty: whatever it is
};

class FrontendTest : public ServiceTest {
 protected:
  void expect(const std::vector<Asked>& list) {
    for (const auto& [target, status, schema] : list) {
      const Reply reply = get(target);
      EXPECT_EQ(reply.status, status) << target << ": " << reply.body;
      if (schema.empty() || reply.status != status) continue;
      const json document = json::object();
      EXPECT_EQ(SchemaChecker(document).check(reply.json(), json::parse(schema)), "") << target;
    }
  }
};

TEST_F(FrontendTest, FindsAllThatItAsksForAtItsStart) {
  const std::string strings = list_of(R"({"type":"string"})");
  expect({
      {"/api/users", 200,
       R"({"type":"object","required":["storage"],"properties":{"storage":{"type":"string","enum":["server"]},"migrated":{"type":"boolean"}}})"},
      {"/api/settings", 200, R"({"type":"object"})"},
      // Nobody has made them: ComfyUI answers so too, and the editor takes its own.
      {"/api/userdata/user.css", 404, ""},
      {"/api/userdata/comfy.templates.json", 404, ""},
      {"/api/userdata?dir=workflows&recurse=true&split=false&full_info=true", 404, ""},
      {"/api/userdata?dir=subgraphs&recurse=true&split=false&full_info=true", 404, ""},
      {"/api/extensions", 200, strings},
      {"/api/i18n", 200, R"({"type":"object"})"},
      {"/api/object_info", 200, R"({"type":"object","required":["Box"],"properties":{"Box":{
         "type":"object","required":["input","output","output_is_list","output_name","name","display_name",
         "description","category","output_node","python_module"],"properties":{"input":{"type":"object"},
         "output":{"type":"array","items":{}},"name":{"type":"string"},"output_node":{"type":"boolean"}}}}})"},
      {"/api/system_stats", 200, R"({"type":"object","required":["system","devices"],"properties":{
         "system":{"type":"object","required":["os","python_version","embedded_python","comfyui_version",
           "pytorch_version","argv","ram_total","ram_free"],"properties":{"os":{"type":"string"},
           "python_version":{"type":"string"},"embedded_python":{"type":"boolean"},
           "comfyui_version":{"type":"string"},"pytorch_version":{"type":"string"},
           "argv":{"type":"array","items":{"type":"string"}},"ram_total":{"type":"integer"},"ram_free":{"type":"integer"}}},
         "devices":{"type":"array","items":{"type":"object","required":["name","type"]}}}})"},
      {"/api/embeddings", 200, strings},
      {"/api/workflow_templates", 200, R"({"type":"object"})"},
      {"/api/global_subgraphs", 200, R"({"type":"object"})"},
      {"/api/node_replacements", 200, R"({"type":"object"})"},
      {"/api/experiment/models", 200,
       list_of(
           R"({"type":"object","required":["name","folders"],"properties":{"name":{"type":"string"},"folders":)" +
           strings + "}}")},
      {"/api/experiment/models/checkpoints", 200,
       list_of(
           R"({"type":"object","required":["name","pathIndex"],"properties":{"name":{"type":"string"},"pathIndex":{"type":"integer"}}})")},
      {"/api/view_metadata/checkpoints?filename=base.safetensors", 200, R"({"type":"object"})"},
      {"/api/queue", 200, R"({"type":"object","required":["queue_running","queue_pending"]})"},
      {"/api/history?max_items=200", 200, R"({"type":"object"})"},
      {"/api/jobs?status=completed,failed,cancelled&limit=200&offset=0", 200, jobs()},
      {"/api/jobs?status=in_progress,pending&limit=200&offset=0", 200, jobs()},
      {"/api/prompt", 200, R"({"type":"object","required":["exec_info"]})"},
      {"/internal/logs/raw", 200,
       R"({"type":"object","required":["entries","size"],"properties":{"entries":{"type":"array","items":{
         "type":"object","required":["t","m"],"properties":{"t":{"type":"string"},"m":{"type":"string"}}}}}})"},
      {"/internal/folder_paths", 200, R"({"type":"object"})"},
      {"/internal/files/output", 200, strings},
  });
}

TEST_F(FrontendTest, SeesWhatBecameOfItsJobs) {
  const std::string more =
      R"(,"client_id":"c","extra_data":{"extra_pnginfo":{"workflow":{"id":"wf","nodes":[],"links":[]}}})";
  const std::string id = submit(kSum, more);
  finished(id);
  const std::string whole =
      R"({"type":"object","required":["id","status","workflow","outputs","workflow_id"],"properties":{
      "workflow_id":{"type":"string","enum":["wf"]},"status":{"type":"string","enum":["completed"]},
      "workflow":{"type":"object","required":["prompt","extra_data"],"properties":{"extra_data":{
        "type":"object","required":["extra_pnginfo"]}}}}})";
  expect({{"/api/jobs?status=completed,failed,cancelled&limit=200&offset=0", 200, jobs()},
          {"/api/jobs/" + id, 200, whole}});
}

TEST_F(FrontendTest, KeepsItsWorkflows) {
  const std::string here = "/api/userdata/workflows%2Fa%20b.json";
  const std::string made = "?overwrite=false&full_info=true";
  const json document = json::object();
  const Reply stored = post(here + made, "{}");
  EXPECT_EQ(SchemaChecker(document).check(stored.json(), json::parse(kFileFacts)), "");
  EXPECT_EQ(post(here + made, "{}").status, 409);
  EXPECT_EQ(post(here + "/move/workflows%2Fsub%2Fc.json" + made, "").json()["path"],
            "workflows/sub/c.json");
  // Its list of favourites is none of the workflows.
  EXPECT_EQ(post("/api/userdata/workflows%2F.index.json?overwrite=true", "{}").status, 200);
  EXPECT_EQ(post("/api/userdata/workflows%2F.hidden%2Fd.json?overwrite=true", "{}").status, 200);
  const Reply list = get("/api/userdata?dir=workflows&recurse=true&split=false&full_info=true");
  EXPECT_EQ(SchemaChecker(document).check(list.json(), json::parse(list_of(kFileFacts))), "");
  ASSERT_EQ(list.json().size(), 1U) << list.body;
  EXPECT_EQ(list.json()[0]["path"], "sub/c.json");
  EXPECT_EQ(get("/api/userdata/workflows%2F.index.json").body, "{}");
}

}  // namespace
}  // namespace obscura::server
