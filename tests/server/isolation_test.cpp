// Doors that must be shut whatever routes there are: files outside their folders, by every way of
// writing their names, and what belongs to another project.
#include <cctype>
#include <filesystem>
#include <set>

#include "server/service_fixture.h"
#include "test_paths.h"

namespace obscura::server {
namespace {

using namespace testing;  // NOLINT: the fixture
using namespace std::chrono_literals;

constexpr char kForm[] = "Content-Type: multipart/form-data; boundary=B\r\n";
constexpr char kSecret[] = "the key to the archive is 7f3a19";
const char* const kSecretFiles[] = {"secret.txt", "tls/secret.txt", "secret.safetensors"};

json openapi_document() {
  auto text = read_file(source_path("docs/openapi.json"));
  EXPECT_TRUE(text.ok());
  return json::parse(*text);
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

// "/a/{x}/{y}" with each {} given.
std::string filled(std::string pattern, const std::string& value) {
  for (std::size_t at; (at = pattern.find('{')) != std::string::npos;)
    pattern.replace(at, pattern.find('}') - at + 1, value);
  return pattern;
}

class TraversalTest : public ServiceTest {
 protected:
  TraversalTest() {
    for (const char* name : kSecretFiles)
      EXPECT_TRUE(write_file_atomically(folder_.path() / name, kSecret).ok());
    EXPECT_EQ(Client(port()).request("POST", "/upload/image", form({}, "a.png", "x"), kForm).status,
              200);
    EXPECT_EQ(post("/userdata/a.txt", "x").status, 200);
    std::filesystem::create_symlink(folder_.path(), folder_.path() / "input" / "link");
  }

  // Every file and folder outside the folders that uploads may fill.
  std::set<std::string> outside() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      names.insert(entry.path().string());
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path().parent_path()))
      if (entry.path().string().find("evil") != std::string::npos)
        names.insert(entry.path().string());
    return names;
  }
  void expect_nothing_secret(const Reply& reply, const std::string& what) const {
    EXPECT_NE(reply.status, 0) << what;
    EXPECT_LT(reply.status, 500) << what << reply.body.substr(0, 200);
    EXPECT_EQ(reply.body.find(kSecret), std::string::npos) << what;
    EXPECT_EQ(reply.body.find("SQLite format"), std::string::npos) << what;
    EXPECT_EQ(reply.body.find("root:"), std::string::npos) << what;
    EXPECT_EQ(reply.body.find(folder_.path().string()), std::string::npos)
        << what << " tells where the data lie: " << reply.body.substr(0, 300);
  }
};

// As they stand in an address.
const char* const kEscapes[] = {
    "../secret.txt",
    "..%2Fsecret.txt",
    "%2e%2e%2Fsecret.txt",
    "%2E%2E/secret.txt",
    "..%5Csecret.txt",
    "..%5c..%5csecret.txt",
    "..%252Fsecret.txt",
    "%252e%252e%252fsecret.txt",
    "..%c0%afsecret.txt",
    "%c0%ae%c0%ae%2Fsecret.txt",
    "..%ef%bc%8fsecret.txt",
    "....%2F%2Fsecret.txt",
    "..;%2Fsecret.txt",
    "a%2F..%2F..%2Fsecret.txt",
    ".%2F.%2F..%2Fsecret.txt",
    "..%2Ftls%2Fsecret.txt",
    "..%2F..%2F..%2F..%2F..%2F..%2Fetc%2Fpasswd",
    "%2Fetc%2Fpasswd",
    "%2F%2Fetc%2Fpasswd",
    "file:%2F%2F%2Fetc%2Fpasswd",
    "%2Fproc%2Fself%2Fenviron",
    "..%2Fobscura.db",
    "..%2Fobscura.db-wal",
    "link%2Fsecret.txt",
    "link%2Fobscura.db",
    "secret.txt%00.png",
    "..%2Fsecret.txt%00.png",
    "..%2Fsecret.txt%0d%0aX-Evil:%201",
    "C:%5Csecret.txt",
    "~%2Fsecret.txt",
    "..",
    ".",
    "%2e%2e",
    "%2F",
    "",
    "..%2Fsecret.safetensors",
};

TEST_F(TraversalTest, NoAddressLeadsOutOfItsFolder) {
  std::vector<std::pair<std::string, std::string>> routes = {
      {"GET", "/view?filename={}"},
      {"GET", "/view?filename={}&type=input"},
      {"GET", "/view?filename={}&type=temp&preview=webp"},
      {"GET", "/view?filename=secret.txt&type=input&subfolder={}"},
      {"GET", "/view?filename={}%20%5Boutput%5D"},
      {"GET", "/view?filename=a.png&type={}"},
      {"GET", "/view_metadata/checkpoints?filename={}"},
      {"GET", "/view_metadata/{}?filename=secret.txt"},
      {"GET", "/models/{}"},
      {"GET", "/experiment/models/{}"},
      {"GET", "/experiment/models/preview/checkpoints/0/{}"},
      {"GET", "/experiment/models/preview/{}/0/secret.safetensors"},
      {"GET", "/object_info/{}"},
      {"GET", "/history/{}"},
      {"GET", "/settings/{}"},
      {"GET", "/userdata/{}"},
      {"GET", "/userdata?dir={}"},
      {"GET", "/userdata?dir={}&recurse=true&full_info=true"},
      {"GET", "/v2/userdata?path={}"},
      {"POST", "/userdata/{}"},
      {"POST", "/userdata/{}?overwrite=true"},
      {"POST", "/userdata/{}/move/evil.txt"},
      {"POST", "/userdata/a.txt/move/{}"},
      {"DELETE", "/userdata/{}"},
      {"GET", "/internal/files/{}"},
      {"GET", "/jobs/{}"},
      {"GET", "/assets/{}"},
      {"GET", "/{}"},
      {"GET", "/api/{}"},
  };
  const json document = openapi_document();
  for (const auto& [pattern, operations] : document["paths"].items())
    for (const auto& [verb, operation] : operations.items())
      if (pattern.find('{') != std::string::npos) routes.emplace_back(upper(verb), pattern);
  const std::set<std::string> before = outside();
  for (const auto& [method, route] : routes) {
    for (const char* escape : kEscapes) {
      const std::string target = filled(route, escape);
      const std::string body = method == "PUT" || method == "POST" ? "evil" : "";
      const Reply reply = Client(port()).request(method, target, body);
      expect_nothing_secret(reply, method + " " + target);
      EXPECT_EQ(reply.head.find("X-Evil"), std::string::npos) << target;
    }
  }
  EXPECT_EQ(outside(), before);
  for (const char* name : kSecretFiles)
    EXPECT_EQ(*read_file(folder_.path() / name), kSecret) << name;
}

TEST_F(TraversalTest, NoFormLeadsOutOfItsFolder) {
  const std::set<std::string> before = outside();
  for (const char* escape : kEscapes) {
    // In forms and JSON, names stand as they are.
    for (const std::string& name :
         {percent_decode(escape).ok() ? *percent_decode(escape) : std::string(escape),
          std::string(escape)}) {
      const std::string uploads[] = {
          form({}, name, "evil"),
          form({{"subfolder", name}}, "evil.png", "evil"),
          form({{"overwrite", "true"}, {"subfolder", name}}, "secret.txt", "evil"),
          form({{"type", name}}, "evil.png", "evil"),
      };
      for (const std::string& body : uploads)
        expect_nothing_secret(Client(port()).request("POST", "/upload/image", body, kForm), name);
      const json original = {{"filename", name}, {"subfolder", ""}, {"type", "input"}};
      const json folder = {{"filename", "secret.txt"}, {"subfolder", name}, {"type", "output"}};
      for (const json& reference : {original, folder}) {
        const std::string text = reference.dump(-1, ' ', true, json::error_handler_t::replace);
        expect_nothing_secret(
            Client(port()).request("POST", "/upload/mask",
                                   form({{"original_ref", text}}, "m.png", "x"), kForm),
            name);
      }
      const json request = {{"prompt", ""},
                            {"sampler_name", name},
                            {"init_images", {name}},
                            {"mask", name},
                            {"image", name},
                            {"sd_model_checkpoint", name},
                            {"override_settings", {{"sd_model_checkpoint", name}}}};
      const std::string text = request.dump(-1, ' ', true, json::error_handler_t::replace);
      for (const char* target :
           {"/sdapi/v1/options", "/sdapi/v1/png-info", "/sdapi/v1/extra-single-image",
            "/sdapi/v1/img2img", "/api/v1/projects", "/api/v1/users"})
        expect_nothing_secret(post(target, text), std::string(target) + " " + name);
    }
  }
  EXPECT_EQ(outside(), before);
  for (const char* name : kSecretFiles)
    EXPECT_EQ(*read_file(folder_.path() / name), kSecret) << name;
}

// Two clients of one studio, each with an artist, and what the first one's has made.
class IsolationTest : public ServiceTest {
 protected:
  IsolationTest() {
    stop();
    start("s3cret");
    ask("POST", "/api/v1/projects", R"({"name":"acme"})", "s3cret");
    ask("POST", "/api/v1/projects", R"({"name":"rival"})", "s3cret");
    ann_ = user("ann", "acme");
    rob_ = user("rob", "rival");
    job_ = submit("SaveImage", R"({"name":"acme.png"})");
    for (int i = 0; i < 1000 && result_.empty(); ++i) {
      const json job = ask("GET", "/api/v1/jobs/" + job_, "", ann_).json();
      if (job["state"] == "done") result_ = job["results"][0]["id"].dump();
      std::this_thread::sleep_for(5ms);
    }
    EXPECT_FALSE(result_.empty());
    ask("POST", "/api/v1/queue/pause", "", "s3cret");
    waiting_ = submit("SaveImage", R"({"name":"waiting.png"})");
    // What it needs is planned meanwhile; nothing of it changes after that.
    for (int i = 0; i < 1000; ++i) {
      const json job = ask("GET", "/api/v1/jobs/" + waiting_, "", ann_).json();
      if (job["planned_bytes"] != 0) break;
      std::this_thread::sleep_for(5ms);
    }
  }

  Reply ask(const std::string& method, const std::string& target, const std::string& body,
            const std::string& token, const std::string& headers = "") {
    return Client(port()).request(method, target, body,
                                  "Authorization: Bearer " + token + "\r\n" + headers);
  }
  std::string user(const std::string& name, const std::string& project) {
    const json body = {{"name", name}, {"role", "artist"}, {"projects", {project}}};
    return ask("POST", "/api/v1/users", body.dump(), "s3cret").json()["token"];
  }
  std::string submit(const std::string& node, const std::string& inputs) {
    const std::string body =
        R"({"prompt":{"1":{"class_type":")" + node + R"(","inputs":)" + inputs + "}}}";
    return ask("POST", "/prompt", body, ann_).json()["prompt_id"];
  }
  // All that the service tells Ann of her project.
  std::string image_of_acme() {
    return ask("GET", "/api/v1/jobs", "", ann_).body +
           ask("GET", "/api/v1/results", "", ann_).body + ask("GET", "/history", "", ann_).body +
           ask("GET", "/view?filename=acme.png", "", ann_).body;
  }

  std::string ann_, rob_, job_, waiting_, result_;
};

TEST_F(IsolationTest, NoIdOfAnotherProjectIsAnyUse) {
  const std::string before = image_of_acme();
  ASSERT_NE(before.find(waiting_), std::string::npos);
  ASSERT_NE(before.find("bytes of acme.png"), std::string::npos);
  const json document = openapi_document();
  int asked = 0;
  for (const auto& [pattern, operations] : document["paths"].items()) {
    std::vector<std::string> ids;
    if (pattern.find("/jobs/{") != std::string::npos) ids = {job_, waiting_};
    if (pattern.find("/results/{") != std::string::npos) ids = {result_};
    if (pattern.find("/projects/{") != std::string::npos) ids = {"acme"};
    if (pattern.find("/users/{") != std::string::npos) ids = {"ann"};
    if (pattern.find("/models/{") != std::string::npos) continue;  // its names are the caller's own
    ASSERT_EQ(ids.empty(), pattern.find('{') == std::string::npos)
        << "this test has to learn what " << pattern << " names";
    for (const auto& [verb, operation] : operations.items()) {
      for (const std::string& id : ids) {
        const Reply reply = ask(upper(verb), filled(pattern, id), verb == "get" ? "" : "{}", rob_);
        EXPECT_EQ(reply.status, operation["x-role"] == "owner" ? 403 : 404)
            << verb << " " << pattern << " " << reply.body;
        ++asked;
      }
      // Nor does it help to say that one acts in that project.
      const std::string target = filled(pattern, ids.empty() ? "" : ids.front());
      if (pattern == "/api/v1/events" || pattern == "/api/v1/session") continue;
      EXPECT_EQ(ask(upper(verb), target + "?project=acme", "{}", rob_).status, 404) << target;
      EXPECT_EQ(ask(upper(verb), target, "{}", rob_, "X-Obscura-Project: acme\r\n").status, 404)
          << target;
    }
  }
  EXPECT_GT(asked, 15);
  EXPECT_EQ(image_of_acme(), before);
}

TEST_F(IsolationTest, ComfyUisAndA1111sRoutesKeepToTheProject) {
  const std::string before = image_of_acme();
  EXPECT_EQ(ask("GET", "/history/" + job_, "", rob_).json(), json::object());
  EXPECT_EQ(ask("GET", "/history", "", rob_).json(), json::object());
  EXPECT_TRUE(ask("GET", "/queue", "", rob_).json()["queue_pending"].empty());
  EXPECT_EQ(ask("GET", "/prompt", "", rob_).json()["exec_info"]["queue_remaining"], 0);
  for (const std::string& body : {R"({"delete":[")" + job_ + R"(",")" + waiting_ + "\"]}",
                                  std::string(R"({"clear":true})")}) {
    ask("POST", "/history", body, rob_);
    ask("POST", "/queue", body, rob_);
  }
  for (const std::string& id : {job_, waiting_}) {
    ask("POST", "/interrupt", R"({"prompt_id":")" + id + "\"}", rob_);
    EXPECT_EQ(ask("GET", "/api/jobs/" + id, "", rob_).body.find("acme.png"), std::string::npos);
    // An id that is taken elsewhere is neither told nor overwritten.
    const std::string again = R"({"prompt":{"1":{"class_type":"SaveImage","inputs":{}}},)"
                              R"("prompt_id":")" +
                              id + "\"}";
    EXPECT_EQ(ask("POST", "/prompt", again, rob_).body.find("acme"), std::string::npos);
  }
  EXPECT_EQ(ask("GET", "/view?filename=acme.png", "", rob_).status, 404);
  EXPECT_EQ(ask("POST", "/sdapi/v1/interrupt", "", rob_).status, 200);
  EXPECT_EQ(ask("GET", "/sdapi/v1/progress", "", rob_).body.find(waiting_), std::string::npos);
  EXPECT_EQ(image_of_acme(), before);
  // Neither socket hears of it, by whatever name it goes.
  Client own(port(), 2), comfy(port(), 2);
  ASSERT_EQ(own.upgrade("/api/v1/events?token=" + rob_).status, 101);
  ASSERT_EQ(comfy.upgrade("/ws?clientId=ann&token=" + rob_).status, 101);
  EXPECT_EQ(Client(port()).upgrade("/api/v1/events?project=acme&token=" + rob_).status, 404);
  EXPECT_EQ(Client(port()).upgrade("/ws?project=acme&token=" + rob_).status, 404);
  ask("POST", "/api/v1/queue/resume", "", "s3cret");
  for (Client* client : {&own, &comfy})
    while (auto frame = client->frame())
      EXPECT_EQ(frame->payload.find(waiting_), std::string::npos) << frame->payload;
}

}  // namespace
}  // namespace obscura::server
