// Requests of strangers, and requests that are broken.
#include "server/service_fixture.h"

namespace obscura::server {
namespace {

using namespace testing;  // NOLINT: the fixture
using namespace std::chrono_literals;

TEST_F(ServiceTest, GivesNoFileOutsideItsFolders) {
  const char* type = "Content-Type: multipart/form-data; boundary=B\r\n";
  for (const char* target :
       {"/view?filename=../obscura.db", "/view?filename=/etc/passwd",
        "/view?filename=%2e%2e%2fobscura.db", "/view?filename=x&subfolder=../..",
        "/view?filename=..&subfolder=..", "/view?filename=obscura.db&subfolder=..",
        "/userdata/..%2F..%2Fobscura.db", "/userdata/%2Fetc%2Fpasswd", "/userdata?dir=../..",
        "/v2/userdata?path=..%2f.."}) {
    const Reply reply = get(target);
    EXPECT_EQ(reply.status, 400) << target << " " << reply.body.substr(0, 100);
  }
  EXPECT_EQ(post("/userdata/..%2F..%2Fevil.txt", "x").status, 400);
  EXPECT_EQ(post("/userdata/a.txt", "x").status, 200);
  EXPECT_EQ(post("/userdata/a.txt/move/..%2F..%2Fevil.txt", "").status, 400);
  for (const auto& [subfolder, name] :
       std::vector<std::pair<std::string, std::string>>{{"../..", "evil.png"},
                                                        {"", "../evil.png"},
                                                        {"", "..\\evil.png"},
                                                        {"/tmp", "evil.png"}}) {
    EXPECT_EQ(
        Client(port())
            .request("POST", "/upload/image", form({{"subfolder", subfolder}}, name, "x"), type)
            .status,
        400)
        << subfolder << " " << name;
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path()))
    EXPECT_EQ(entry.path().string().find("evil"), std::string::npos) << entry.path();
}

TEST_F(ServiceTest, RefusesStrangersPages) {
  Client client(port());
  EXPECT_EQ(client.request("GET", "/queue", "", "Host: evil.example\r\n").status, 403);
  EXPECT_EQ(
      Client(port()).request("POST", "/prompt", "{}", "Origin: http://evil.example\r\n").status,
      403);
  EXPECT_EQ(Client(port()).upgrade("/ws", "Origin: http://evil.example\r\n").status, 403);
  EXPECT_EQ(Client(port()).upgrade("/ws", "Host: evil.example\r\n").status, 403);
  EXPECT_EQ(Client(port()).upgrade("/ws", "Origin: http://localhost\r\n").status, 101);
  EXPECT_EQ(Client(port()).upgrade("/queue").status, 404);
  EXPECT_EQ(get("/ws").status, 426);
}

TEST_F(ServiceTest, WantsItsToken) {
  stop();
  start("s3cret");
  EXPECT_EQ(get("/queue").status, 401);
  EXPECT_EQ(get("/queue?token=wrong!").status, 401);
  EXPECT_EQ(get("/queue?token=s3cret").status, 200);
  EXPECT_EQ(Client(port()).request("GET", "/queue", "", "Authorization: Bearer s3cret\r\n").status,
            200);
  // Who is nobody yet may send a token, and no more.
  EXPECT_EQ(post("/api/v1/session", std::string(20'000, ' ')).status, 413);
  EXPECT_EQ(post("/prompt", std::string(1000, ' ')).status, 401);
  EXPECT_EQ(Client(port()).upgrade("/ws?clientId=a").status, 401);
  EXPECT_EQ(Client(port()).upgrade("/ws?clientId=a&token=s3cret").status, 101);
}

TEST_F(ServiceTest, AnswersWhatIsNoSoundHttp) {
  const auto raw = [&](const std::string& text) {
    Client client(port(), 5);
    client.send(text);
    return client.receive().status;
  };
  EXPECT_EQ(raw("nonsense\r\n\r\n"), 400);
  EXPECT_EQ(raw("GET / HTTP/9.9\r\nHost: localhost\r\n\r\n"), 400);
  EXPECT_EQ(raw("GET * HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400);
  EXPECT_EQ(raw("GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400);
  EXPECT_EQ(raw("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"),
            431);
  EXPECT_EQ(raw("POST /prompt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n"),
            413);
  // A body without a length, in chunks: refused once it is over the limit.
  std::string chunks;
  for (int i = 0; i < 17; ++i) chunks += "100000\r\n" + std::string(1 << 20, ' ') + "\r\n";
  EXPECT_EQ(raw("POST /prompt HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" +
                chunks),
            413);
  EXPECT_EQ(raw("POST /upload/image HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"),
            400);
  EXPECT_EQ(get("/nothing").status, 404);
  EXPECT_EQ(Client(port()).request("PUT", "/queue", "x").status, 405);
  EXPECT_EQ(get("/queue").status, 200);
}

TEST_F(ServiceTest, OutlivesBrokenWebSockets) {
  {
    Listener listener(port(), "a");
    listener.client().send_frame(1, "not json");
    listener.client().send_frame(1, R"({"type":5,"data":[]})");
    listener.client().send_frame(1, R"({"type":"feature_flags","data":7})");
    listener.client().send_frame(2, std::string(1000, '\0'));
    // Still there: the flags that are sound are answered.
    listener.client().send_frame(1, R"({"type":"feature_flags","data":{}})");
    listener.until("feature_flags");
  }
  const std::string broken[] = {
      std::string("\x81\x05hello", 7),                              // not masked
      std::string("\x83\x80\0\0\0\0", 6),                           // an opcode that is none
      std::string("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10),  // 9 EB of text
      std::string("\x89\xfe\x01\x00\0\0\0\0", 8),                   // a ping that is too long
      std::string("\x81\x82\0\0\0\0\xff\xfe", 8),                   // not UTF-8
  };
  for (const std::string& bytes : broken) {
    Client client(port(), 5);
    ASSERT_EQ(client.upgrade("/ws?clientId=b").status, 101);
    client.send(bytes);
    int frames = 0;
    while (client.frame()) ASSERT_LT(++frames, 10);
  }
  EXPECT_EQ(get("/queue").status, 200);
}

TEST_F(ServiceTest, TakesManyClientsAtOnce) {
  std::vector<std::thread> threads;
  std::vector<int> good(8);
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      Client client(port());
      for (int i = 0; i < 25; ++i) {
        const std::string body = R"({"prompt":)" + std::string(kSum) + "}";
        good[static_cast<std::size_t>(t)] +=
            client.request("POST", "/prompt", body).status == 200 ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int count : good) EXPECT_EQ(count, 25);
  for (int i = 0; i < 2000 && get("/prompt").json()["exec_info"]["queue_remaining"] != 0; ++i)
    std::this_thread::sleep_for(5ms);
  EXPECT_EQ(get("/history").json().size(), 200U);
}

TEST(Service, SaysThatAPortIsTaken) {
  obscura::testing::TemporaryFolder folder;
  FakeStudio studio;
  ServiceOptions options;
  options.access.listen.port = 0;
  options.data = folder.path() / "a";
  auto first = Service::open(options, studio, studio);
  ASSERT_TRUE(first.ok());
  options.access.listen.port = (*first)->port();
  options.data = folder.path() / "b";
  auto second = Service::open(options, studio, studio);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind(), ErrorKind::kIo);
  EXPECT_NE(second.error().message().find(std::to_string(options.access.listen.port)),
            std::string::npos);
}

}  // namespace
}  // namespace obscura::server
