// Taking in models: what is sent is there whole, or not at all.
#include <sys/resource.h>

#include <csignal>
#include <thread>

#include "server/api/routes.h"
#include "server/net/limits.h"
#include "server/service_fixture.h"

namespace obscura::server {
namespace {

using namespace testing;  // NOLINT: the fixture
using namespace std::chrono_literals;
namespace fs = std::filesystem;

class ModelImportTest : public ServiceTest {
 protected:
  Reply put(const std::string& target, const std::string& body, const std::string& headers = "") {
    return Client(port()).request("PUT", "/api/v1/models/" + target, body, headers);
  }
  fs::path place(const std::string& name) const { return folder_.path() / "models" / name; }
  // Files below the data folder's models, whatever they are called.
  std::size_t file_count() const {
    std::error_code error;
    std::size_t count = 0;
    for (fs::recursive_directory_iterator at(folder_.path() / "models", error), end; at != end;
         ++at)
      count += at->is_regular_file() ? 1 : 0;
    return count;
  }
  // Once the server has noticed that a sender is gone.
  bool nothing_is_left() const {
    for (int i = 0; i < 500 && file_count() > 0; ++i) std::this_thread::sleep_for(10ms);
    return file_count() == 0;
  }
};

TEST_F(ModelImportTest, TakesInAModelLargerThanBodiesInMemory) {
  const std::string model = "model" + std::string(kMaxBodyBytes + 1, 'x');
  const Reply reply = put("checkpoints/own%2Fnew.safetensors", model);
  ASSERT_EQ(reply.status, 201) << reply.body;
  EXPECT_EQ(reply.json()["title"], "one of checkpoints");
  EXPECT_EQ(reply.json()["model"]["name"], "own/new.safetensors");
  EXPECT_EQ(reply.json()["model"]["bytes"], model.size());
  EXPECT_EQ(*read_file(place("checkpoints/own/new.safetensors")), model);
  EXPECT_EQ(file_count(), 1U);
  EXPECT_NE(get("/api/v1/models?kind=checkpoints").body.find("own/new.safetensors"),
            std::string::npos);
  EXPECT_NE(get("/api/v1/audit?limit=1").body.find("model.import"), std::string::npos);
}

TEST_F(ModelImportTest, TellsThatAModelCame) {
  Client listener(port());
  ASSERT_EQ(listener.upgrade("/api/v1/events").status, 101);
  ASSERT_EQ(put("loras/a.safetensors", "model").status, 404) << "the fake has no such kind";
  ASSERT_EQ(put("embeddings/a.safetensors", "model").status, 201);
  for (;;) {
    auto frame = listener.frame();
    ASSERT_TRUE(frame);
    const json event = json::parse(frame->payload);
    if (event["type"] != "model") continue;
    EXPECT_EQ(event["model"]["name"], "a.safetensors");
    break;
  }
}

TEST_F(ModelImportTest, KeepsWhatIsThereAlready) {
  ASSERT_EQ(put("checkpoints/a.safetensors", "model one").status, 201);
  EXPECT_EQ(put("checkpoints/a.safetensors", "model one").status, 200);
  const Reply other = put("checkpoints/a.safetensors", "model two");
  EXPECT_EQ(other.status, 409) << other.body;
  EXPECT_EQ(put("checkpoints/base.safetensors", "model").status, 409) << "it is in the program";
  EXPECT_EQ(*read_file(place("checkpoints/a.safetensors")), "model one");
  EXPECT_EQ(file_count(), 1U);
}

TEST_F(ModelImportTest, LeavesNothingOfWhatIsNoModel) {
  const Reply reply = put("checkpoints/a.safetensors", "an image");
  EXPECT_EQ(reply.status, 422);
  EXPECT_EQ(reply.json()["error"], "a.safetensors is no model");
  EXPECT_TRUE(nothing_is_left());
}

TEST_F(ModelImportTest, LeavesNothingOfWhatIsCutShort) {
  {
    Client client(port());
    client.send(
        "PUT /api/v1/models/checkpoints/a.safetensors HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Length: 1000\r\n\r\nmodel");
    for (int i = 0; i < 500 && file_count() == 0; ++i) std::this_thread::sleep_for(10ms);
    EXPECT_EQ(file_count(), 1U) << "it is on its way";
    EXPECT_EQ(get("/api/v1/models?kind=checkpoints").json()["models"].size(), 1U) << "not yet seen";
  }
  EXPECT_TRUE(nothing_is_left());
}

TEST_F(ModelImportTest, KeepsToItsFolderAndToModels) {
  const std::pair<const char*, int> refused[] = {
      {"checkpoints/..%2Fa.safetensors", 400},     {"checkpoints/%2Fetc%2Fa.safetensors", 400},
      {"checkpoints/.hidden.safetensors", 400},    {"checkpoints/a%2F.b%2Fc.safetensors", 400},
      {"checkpoints/a%5C..%5Cb.safetensors", 400}, {"checkpoints/a%0A.safetensors", 400},
      {"checkpoints/a%2F%2Fb.safetensors", 400},   {"checkpoints/a.sh", 400},
      {"checkpoints/a.safetensors%00", 400},       {"nothing/a.safetensors", 404},
      {"..%2Foutput/a.safetensors", 404},          {"checkpoints/../a.safetensors", 404}};
  for (const auto& [target, status] : refused)
    EXPECT_EQ(put(target, "model").status, status) << target;
  fs::create_directories(place("checkpoints"));
  fs::create_directory_symlink("/tmp", place("checkpoints/out"));
  EXPECT_EQ(put("checkpoints/out%2Fa.safetensors", "model").status, 400);
  fs::remove(place("checkpoints/out"));
  EXPECT_EQ(file_count(), 0U);
  EXPECT_EQ(put("checkpoints/a.safetensors", "").status, 411);
  const Reply chunked = Client(port()).request("PUT", "/api/v1/models/checkpoints/a.safetensors",
                                               "", "Transfer-Encoding: chunked\r\n");
  EXPECT_EQ(chunked.status, 411);
}

TEST_F(ModelImportTest, BelongsToItsProject) {
  const Reply made = post("/api/v1/projects", R"({"name":"acme"})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(put("checkpoints/a.safetensors?project=acme", "model").status, 201);
  EXPECT_TRUE(fs::exists(folder_.path() / "projects/acme/models/checkpoints/a.safetensors"));
  EXPECT_EQ(get("/api/v1/models?kind=checkpoints&project=acme").json()["models"].size(), 2U);
  EXPECT_EQ(get("/api/v1/models?kind=checkpoints").json()["models"].size(), 1U);
}

TEST_F(ModelImportTest, SaysThatTheDiskHasNoRoom) {
  Client client(port());
  client.send(
      "PUT /api/v1/models/checkpoints/a.safetensors HTTP/1.1\r\nHost: localhost\r\n"
      "Content-Length: 60000000000000000\r\n\r\n");
  const Reply reply = client.receive();
  EXPECT_EQ(reply.status, 507) << reply.body;
  EXPECT_TRUE(nothing_is_left());

  // A disk that fills up on the way: writes beyond 1 MiB fail.
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  auto* handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1 << 20, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const Reply full = put("checkpoints/a.safetensors", "model" + std::string(3 << 20, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(full.status, 507) << full.body;
  EXPECT_TRUE(nothing_is_left());
}

TEST_F(ModelImportTest, DeletesWhatAKilledProcessLeft) {
  stop();
  fs::create_directories(place("checkpoints"));
  const fs::path left = place("checkpoints/.obscura-tmp-ab12cd34");
  ASSERT_TRUE(write_file_atomically(left, "half").ok());
  auto alive = AtomicFile::create(place("checkpoints/b.safetensors"));
  ASSERT_TRUE(alive.ok());
  start();
  for (int i = 0; i < 500 && fs::exists(left); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_FALSE(fs::exists(left));
  EXPECT_TRUE(fs::exists(alive->temporary())) << "somebody is writing it";
}

}  // namespace
}  // namespace obscura::server
