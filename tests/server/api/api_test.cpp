// The studio's own API: held to docs/openapi.json, and to what it promises about projects.
#include <set>

#include "server/json_schema.h"
#include "server/service_fixture.h"
#include "test_paths.h"

namespace obscura::server {
namespace {

using namespace testing;  // NOLINT: the fixture
using namespace std::chrono_literals;

constexpr char kImage[] = R"({"1":{"class_type":"SaveImage","inputs":{"name":"a.png"}}})";

class ApiTest : public ServiceTest {
 protected:
  ApiTest() {
    auto text = read_file(source_path("docs/openapi.json"));
    EXPECT_TRUE(text.ok());
    document_ = json::parse(*text);
  }

  Reply ask(const std::string& method, const std::string& path, const json& body = nullptr,
            const std::string& token = "") {
    const std::string headers = token.empty() ? "" : "Authorization: Bearer " + token + "\r\n";
    return Client(port()).request(method, path, body.is_null() ? "" : body.dump(), headers);
  }
  // Asks, and holds the answer to what the document says of this operation. `pattern` is the path
  // as the document writes it.
  json checked(const std::string& method, const std::string& pattern, const std::string& path,
               int status, const json& body = nullptr) {
    const Reply reply = ask(method, "/api/v1" + path, body);
    EXPECT_EQ(reply.status, status) << method << " " << path << " " << reply.body.substr(0, 300);
    std::string verb = method;
    for (char& c : verb) c = static_cast<char>(std::tolower(c));
    json described = document_["paths"]["/api/v1" + pattern][verb]["responses"];
    EXPECT_TRUE(described.contains(std::to_string(reply.status)))
        << method << " " << pattern << " may not answer " << reply.status;
    described = described[std::to_string(reply.status)];
    if (described.contains("$ref")) {
      described = document_[json::json_pointer(described["$ref"].get<std::string>().substr(1))];
    }
    if (!described.contains("content")) return nullptr;
    auto media = described["content"].find("application/json");
    if (media == described["content"].end()) return nullptr;
    json value = reply.json();
    EXPECT_EQ(SchemaChecker(document_).check(value, (*media)["schema"]), "")
        << method << " " << path;
    return value;
  }
  std::string submit_job(const std::string& workflow, const json& more = json::object()) {
    json body = {{"workflow", json::parse(workflow)}};
    body.update(more);
    return checked("POST", "/jobs", "/jobs", 201, body)["job"]["id"];
  }
  json state_of(const std::string& id, const std::string& wanted) {
    json job;
    for (int i = 0; i < 1000; ++i) {
      job = checked("GET", "/jobs/{id}", "/jobs/" + id, 200);
      if (job["state"] == wanted) return job;
      std::this_thread::sleep_for(5ms);
    }
    ADD_FAILURE() << "the job did not become " << wanted << ": " << job.dump();
    return job;
  }
  std::string order() {
    std::string ids;
    const json list = ask("GET", "/api/v1/jobs?state=queued").json();
    for (const json& job : list["jobs"]) ids += job["title"].get<std::string>();
    return ids;
  }

  json document_;
};

TEST_F(ApiTest, HasTheRoutesThatItsDescriptionNames) {
  // Asked of the running server: what is described is there, and wants the role that is described.
  EXPECT_EQ(ask("GET", "/api/v1/openapi.json").json(), document_);
  const std::string viewer =
      checked("POST", "/users", "/users", 201,
              {{"name", "vera"}, {"role", "viewer"}, {"projects", {"default"}}})["token"];
  const std::string artist =
      checked("POST", "/users", "/users", 201,
              {{"name", "art"}, {"role", "artist"}, {"projects", {"default"}}})["token"];
  for (const auto& [pattern, operations] : document_["paths"].items()) {
    std::string path = pattern;
    for (std::size_t at; (at = path.find('{')) != std::string::npos;)
      path.replace(at, path.find('}') - at + 1, "nothing");
    for (const auto& [verb, operation] : operations.items()) {
      std::string method = verb;
      for (char& c : method) c = static_cast<char>(std::toupper(c));
      if (pattern == "/api/v1/session" && verb != "get") continue;
      const Reply reply = ask(method, path);
      EXPECT_NE(reply.status, 405) << method << " " << pattern;
      if (reply.status == 404) {
        EXPECT_EQ(reply.body.find("there is nothing at"), std::string::npos)
            << method << " " << pattern;
      }
      const std::string least = operation["x-role"];
      EXPECT_EQ(ask(method, path, nullptr, viewer).status == 403, least != "viewer")
          << method << " " << pattern;
      EXPECT_EQ(ask(method, path, nullptr, artist).status == 403, least == "owner")
          << method << " " << pattern;
      if (pattern == "/api/v1/queue/pause") ask("POST", "/api/v1/queue/resume");
    }
  }
}

TEST_F(ApiTest, RunsAJobAndKeepsItsImage) {
  checked("GET", "", "", 200);
  checked("GET", "/session", "/session", 200);
  checked("GET", "/models", "/models?kind=checkpoints", 200);
  checked("GET", "/models", "/models?kind=nothing", 404);
  const std::string id = submit_job(kImage, {{"title", "An image"}});
  const json job = state_of(id, "done");
  EXPECT_EQ(job["title"], "An image");
  EXPECT_EQ(job["source"], "api");
  EXPECT_EQ(job["peak_bytes"], 7);
  EXPECT_EQ(job["workflow"], json::parse(kImage));
  ASSERT_EQ(job["results"].size(), 1U);
  const json result = job["results"][0];
  EXPECT_EQ(result["filename"], "a.png");
  EXPECT_EQ(get(result["url"]).body, "bytes of a.png");
  EXPECT_EQ(get(result["thumbnail_url"]).body, "webp of bytes of a.png");
  const std::string path = "/results/" + result["id"].dump();
  EXPECT_EQ(checked("GET", "/results/{id}", path, 200), result);
  EXPECT_EQ(checked("GET", "/results", "/results?limit=1", 200)["total"], 1);
  checked("GET", "/results", "/results?limit=0", 400);
  EXPECT_EQ(checked("GET", "/jobs", "/jobs?state=finished", 200)["total"], 1);
  checked("GET", "/jobs", "/jobs?state=nothing", 400);
  const json entries = checked("GET", "/audit", "/audit", 200)["entries"];
  EXPECT_EQ(entries[0]["action"], "job.done");
  EXPECT_EQ(entries[0]["detail"]["results"][0], result["digest"]);
  EXPECT_EQ(entries[1]["action"], "job.submit");

  const std::string again =
      checked("POST", "/jobs/{id}/retry", "/jobs/" + id + "/retry", 201)["id"];
  EXPECT_NE(again, id);
  state_of(again, "done");
  // The result outlives the file in the output folder.
  std::filesystem::remove(folder_.path() / "output/a.png");
  EXPECT_EQ(get(result["url"]).body, "bytes of a.png");
  checked("DELETE", "/results/{id}", path, 204);
  checked("GET", "/results/{id}", path, 404);
  // The other job's result is the same file, which stays.
  EXPECT_EQ(get(checked("GET", "/results", "/results", 200)["results"][0]["url"]).body,
            "bytes of a.png");
  checked("DELETE", "/jobs/{id}", "/jobs/" + again, 204);
  EXPECT_EQ(checked("GET", "/results", "/results", 200)["total"], 0);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "results" /
                                       result["digest"].get<std::string>().substr(0, 2) /
                                       (result["digest"].get<std::string>() + ".png")));
  checked("DELETE", "/jobs/{id}", "/jobs/" + again, 404);
}

TEST_F(ApiTest, RefusesWhatCannotRun) {
  const json refused =
      checked("POST", "/jobs", "/jobs", 400,
              {{"workflow", {{"1", {{"class_type", "Sav"}, {"inputs", json::object()}}}}}});
  EXPECT_NE(refused["error"].get<std::string>().find("Sav"), std::string::npos) << refused;
  checked("POST", "/jobs", "/jobs", 400, {{"workflow", 1}});
  EXPECT_EQ(Client(port()).request("POST", "/api/v1/jobs", "{").status, 400);
}

TEST_F(ApiTest, ReordersHoldsAndCancels) {
  checked("POST", "/queue/pause", "/queue/pause", 200);
  std::map<std::string, std::string> ids;
  for (const char* name : {"a", "b", "c", "d"}) ids[name] = submit_job(kImage, {{"title", name}});
  EXPECT_EQ(order(), "abcd");
  auto move = [&](const char* name, const json& where, int status = 200) {
    checked("POST", "/jobs/{id}/move", "/jobs/" + ids[name] + "/move", status, where);
  };
  move("d", {{"before", ids["b"]}});
  EXPECT_EQ(order(), "adbc");
  move("a", {{"to", "back"}});
  EXPECT_EQ(order(), "dbca");
  move("c", {{"to", "front"}});
  EXPECT_EQ(order(), "cdba");
  move("c", {{"to", "middle"}}, 400);
  move("c", {{"before", "nothing"}}, 404);
  // Numbers between two others run out after some fifty halvings; the order must not.
  for (int i = 0; i < 70; ++i) {
    move("a", {{"before", ids["b"]}});
    move("d", {{"before", ids["a"]}});
    move("a", {{"before", ids["d"]}});
  }
  EXPECT_EQ(order(), "cadb");
  checked("POST", "/jobs/{id}/pause", "/jobs/" + ids["c"] + "/pause", 200);
  checked("POST", "/jobs/{id}/cancel", "/jobs/" + ids["a"] + "/cancel", 200);
  checked("POST", "/jobs/{id}/cancel", "/jobs/" + ids["a"] + "/cancel", 409);
  const json queue = checked("GET", "/queue", "/queue", 200);
  EXPECT_EQ(queue["queued"], 3);
  EXPECT_EQ(queue["held"], 1);
  EXPECT_EQ(queue["paused"], true);
  checked("DELETE", "/jobs/{id}", "/jobs/" + ids["c"], 409);

  // Paused is remembered.
  stop();
  start();
  EXPECT_EQ(checked("GET", "/queue", "/queue", 200)["paused"], true);
  checked("POST", "/queue/resume", "/queue/resume", 200);
  state_of(ids["b"], "done");
  EXPECT_EQ(state_of(ids["c"], "queued")["held"], true);
  checked("POST", "/jobs/{id}/resume", "/jobs/" + ids["c"] + "/resume", 200);
  state_of(ids["c"], "done");
  submit_job(kImage, {{"held", true}});
  EXPECT_EQ(checked("POST", "/queue/clear", "/queue/clear", 200)["cancelled"], 1);
}

TEST_F(ApiTest, HoldsARunningJobAndBeginsItAnew) {
  const std::string id = submit_job(slow(2000, 5));
  state_of(id, "running");
  checked("POST", "/jobs/{id}/pause", "/jobs/" + id + "/pause", 200);
  EXPECT_EQ(state_of(id, "queued")["held"], true);
  // Others run meanwhile.
  state_of(submit_job(kImage), "done");
  checked("POST", "/jobs/{id}/resume", "/jobs/" + id + "/resume", 200);
  state_of(id, "running");
  checked("POST", "/jobs/{id}/cancel", "/jobs/" + id + "/cancel", 200);
  state_of(id, "cancelled");
}

TEST_F(ApiTest, PlansTheMemoryOfJobsThatWait) {
  const std::string id = submit_job(kImage, {{"held", true}});
  json job = json::object();
  for (int i = 0; i < 1000 && job.value("planned_bytes", 0) == 0; ++i) {
    job = checked("GET", "/jobs/{id}", "/jobs/" + id, 200);
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_EQ(job["state"], "queued");
  EXPECT_EQ(job["planned_bytes"], 1000) << "one node";
  EXPECT_EQ(job["budget_bytes"], 1'000'000);
  EXPECT_EQ(job["peak_bytes"], 0);
}

TEST_F(ApiTest, TellsWhatHappens) {
  Client socket(port());
  ASSERT_EQ(socket.upgrade("/api/v1/events").status, 101);
  const std::string id = submit_job(slow(3, 1));
  std::vector<std::string> types;
  std::vector<std::string> states;
  while (states.empty() || states.back() != "done") {
    auto frame = socket.frame();
    ASSERT_TRUE(frame);
    const json event = json::parse(frame->payload);
    EXPECT_EQ(SchemaChecker(document_).check(event, document_["components"]["schemas"]["Event"]),
              "");
    types.push_back(event["type"]);
    if (event["type"] == "job") states.push_back(event["job"]["state"]);
  }
  ASSERT_GE(types.size(), 5U);
  EXPECT_EQ(types[0], "hello");
  EXPECT_EQ(types[1], "queue");
  EXPECT_NE(std::find(types.begin(), types.end(), "progress"), types.end());
}

// Everything that somebody of another project could try.
TEST_F(ApiTest, ShowsNothingOfAnotherProject) {
  checked("POST", "/projects", "/projects", 201, {{"name", "acme"}, {"title", "ACME"}});
  checked("POST", "/projects", "/projects", 409, {{"name", "acme"}});
  checked("POST", "/projects", "/projects", 400, {{"name", "../acme"}});
  checked("POST", "/users", "/users", 404,
          {{"name", "x"}, {"role", "artist"}, {"projects", {"nothing"}}});
  const std::string token =
      checked("POST", "/users", "/users", 201,
              {{"name", "ann"}, {"role", "artist"}, {"projects", {"acme"}}})["token"];
  const std::string secret = submit_job(kImage, {{"title", "secret"}});
  const json job = state_of(secret, "done");
  checked("POST", "/queue/pause", "/queue/pause", 200);
  const std::string waiting = submit_job(kImage);

  const std::string result = job["results"][0]["id"].dump();
  for (const std::string& path :
       {"/api/v1/jobs/" + secret, "/api/v1/results/" + result,
        "/api/v1/results/" + result + "/file", "/api/v1/results/" + result + "/thumbnail",
        std::string("/view?filename=a.png"), std::string("/api/v1/jobs?project=default"),
        std::string("/queue?project=default"), std::string("/api/v1/jobs?project=nothing"),
        std::string("/api/v1/projects/default")}) {
    EXPECT_EQ(ask("GET", path, nullptr, token).status, 404) << path;
  }
  for (const char* verb : {"cancel", "pause", "resume", "retry"}) {
    for (const std::string& id : {secret, waiting})
      EXPECT_EQ(ask("POST", "/api/v1/jobs/" + id + "/" + verb, nullptr, token).status, 404) << verb;
  }
  EXPECT_EQ(ask("DELETE", "/api/v1/jobs/" + secret, nullptr, token).status, 404);
  EXPECT_EQ(ask("GET", "/history/" + secret, nullptr, token).body, "{}");
  for (const char* path : {"/history", "/queue", "/api/v1/jobs", "/api/v1/jobs?state=finished",
                           "/api/v1/results", "/prompt", "/api/v1/queue"}) {
    const std::string body = ask("GET", path, nullptr, token).body;
    EXPECT_EQ(body.find(secret), std::string::npos) << path;
    EXPECT_EQ(body.find(waiting), std::string::npos) << path;
  }
  EXPECT_EQ(ask("GET", "/prompt", nullptr, token).json()["exec_info"]["queue_remaining"], 0);
  EXPECT_EQ(ask("POST", "/queue", {{"clear", true}, {"delete", {waiting}}}, token).status, 200);
  EXPECT_EQ(ask("POST", "/history", {{"clear", true}}, token).status, 200);
  EXPECT_EQ(state_of(waiting, "queued")["id"], waiting);
  EXPECT_EQ(state_of(secret, "done")["id"], secret);
  const json projects = ask("GET", "/api/v1/projects", nullptr, token).json()["projects"];
  ASSERT_EQ(projects.size(), 1U);
  EXPECT_EQ(projects[0]["name"], "acme");

  // A job of its own is its project's, and no one else's.
  Reply own = ask("POST", "/api/v1/jobs", {{"workflow", json::parse(kImage)}}, token);
  ASSERT_EQ(own.status, 201) << own.body;
  const std::string own_id = own.json()["job"]["id"];
  EXPECT_EQ(own.json()["job"]["project"], "acme");
  EXPECT_EQ(own.json()["job"]["user"], "ann");
  EXPECT_EQ(ask("POST", "/api/v1/jobs/" + own_id + "/move", {{"before", waiting}}, token).status,
            404);
  checked("GET", "/jobs/{id}", "/jobs/" + own_id, 404);
  checked("GET", "/jobs/{id}", "/jobs/" + own_id + "?project=acme", 200);

  // A listener of one project hears nothing of the other.
  Client socket(port());
  ASSERT_EQ(socket.upgrade("/api/v1/events?token=" + token).status, 101);
  checked("POST", "/queue/resume", "/queue/resume", 200);
  bool done = false;
  while (!done) {
    auto frame = socket.frame();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->payload.find(waiting), std::string::npos) << frame->payload;
    const json event = json::parse(frame->payload);
    done = event["type"] == "job" && event["job"]["state"] == "done";
  }
  state_of(waiting, "done");

  // It goes as a whole, and so does who could see only it.
  const Reply archive = ask("GET", "/api/v1/projects/acme/export");
  EXPECT_EQ(archive.status, 200);
  EXPECT_NE(archive.body.find("acme/jobs.json"), std::string::npos);
  EXPECT_NE(archive.body.find("bytes of a.png"), std::string::npos);
  EXPECT_EQ(archive.body.find(secret), std::string::npos);
  checked("DELETE", "/projects/{name}", "/projects/default", 409);
  checked("DELETE", "/projects/{name}", "/projects/acme", 204);
  checked("GET", "/projects/{name}", "/projects/acme", 404);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "projects/acme"));
  EXPECT_EQ(ask("GET", "/api/v1/jobs", nullptr, token).status, 404);
  checked("DELETE", "/users/{name}", "/users/ann", 204);
  EXPECT_EQ(ask("GET", "/api/v1/jobs", nullptr, token).status, 401);
}

TEST_F(ApiTest, GivesSessionsForTokens) {
  stop();
  start("s3cret");
  EXPECT_EQ(get("/api/v1/jobs").status, 401);
  EXPECT_EQ(get("/").status, 200);  // the page, which asks for the token
  EXPECT_EQ(post("/api/v1/session", R"({"token":"wrong"})").status, 401);
  const Reply login = post("/api/v1/session", R"({"token":"s3cret"})");
  ASSERT_EQ(login.status, 200) << login.body;
  const std::size_t at = login.head.find("obscura_session=");
  ASSERT_NE(at, std::string::npos) << login.head;
  EXPECT_NE(login.head.find("HttpOnly; SameSite=Strict"), std::string::npos) << login.head;
  const std::string cookie =
      "Cookie: other=1; " + login.head.substr(at, login.head.find(';', at) - at) + "\r\n";
  EXPECT_EQ(Client(port()).request("GET", "/api/v1/jobs", "", cookie).status, 200);
  EXPECT_EQ(Client(port()).request("DELETE", "/api/v1/session", "", cookie).status, 204);
  EXPECT_EQ(Client(port()).request("GET", "/api/v1/jobs", "", cookie).status, 401);
  // "owner:s3cret", as A1111's clients send it.
  EXPECT_EQ(
      Client(port())
          .request("GET", "/sdapi/v1/samplers", "", "Authorization: Basic b3duZXI6czNjcmV0\r\n")
          .status,
      200);
  // Guessing is slowed down.
  int status = 0;
  for (int i = 0; i < 20 && status != 429; ++i)
    status = get("/api/v1/jobs?token=guess" + std::to_string(i)).status;
  EXPECT_EQ(status, 429);
}

TEST_F(ApiTest, MeasuresItself) {
  state_of(submit_job(kImage), "done");
  const Reply reply = get("/metrics");
  EXPECT_EQ(reply.status, 200);
  EXPECT_NE(reply.body.find("obscura_jobs_finished_total{state=\"done\"} 1\n"), std::string::npos)
      << reply.body;
  EXPECT_NE(reply.body.find("obscura_build_info{version=\"1.2.3\"} 1\n"), std::string::npos);
}

TEST_F(ApiTest, ListsTenThousandJobs) {
  checked("POST", "/queue/pause", "/queue/pause", 200);
  Client client(port());
  const std::string body = R"({"prompt":)" + std::string(kImage) + "}";
  using Clock = std::chrono::steady_clock;
  const auto first = Clock::now();
  for (int i = 0; i < 10'000; ++i) ASSERT_EQ(client.request("POST", "/prompt", body).status, 200);
  const std::chrono::duration<double> submitting = Clock::now() - first;
  const auto begin = Clock::now();
  const Reply page = client.request("GET", "/api/v1/jobs?limit=100&offset=9900");
  const std::chrono::duration<double> listing = Clock::now() - begin;
  EXPECT_EQ(page.json()["total"], 10'000);
  EXPECT_EQ(page.json()["jobs"].size(), 100U);
  EXPECT_EQ(client.request("GET", "/queue").json()["queue_pending"].size(), 10'000U);
  RecordProperty("submits_a_second", static_cast<int>(10'000 / submitting.count()));
  RecordProperty("listing_us", static_cast<int>(listing.count() * 1e6));
  // 50 ms and 10 s on an idle machine; tests share theirs with other programs and sanitizers.
  EXPECT_LT(listing.count(), 1.0);
  EXPECT_LT(submitting.count(), 100.0);
}

}  // namespace
}  // namespace obscura::server
