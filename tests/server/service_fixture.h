// The whole service over a loopback port, with the real executor and nodes that do arithmetic.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/files.h"
#include "server/client.h"
#include "server/fake_studio.h"
#include "server/service.h"
#include "store/temporary_folder.h"

namespace obscura::server::testing {

using nlohmann::json;

inline constexpr char kSum[] =
    R"({"1":{"class_type":"Box","inputs":{"value":2}},)"
    R"("2":{"class_type":"Add","inputs":{"a":["1",0],"scale":3}},)"
    R"("3":{"class_type":"Save","inputs":{"box":["2",0],"prefix":"sum"}}})";

inline std::string slow(int steps, int milliseconds, const std::string& prefix = "slow") {
  return R"({"7":{"class_type":"Slow","inputs":{"steps":)" + std::to_string(steps) +
         R"(,"milliseconds":)" + std::to_string(milliseconds) +
         R"(}},"8":{"class_type":"Save","inputs":{"box":["7",0],"prefix":")" + prefix + R"("}}})";
}

class ServiceTest : public ::testing::Test {
 protected:
  ServiceTest() { start(); }
  ~ServiceTest() override { stop(); }

  void start(const std::string& token = "", std::optional<TlsContext> tls = std::nullopt) {
    studio_ = std::make_unique<FakeStudio>();
    studio_->set_data(folder_.path());
    ServiceOptions options;
    options.access.listen.port = 0;
    options.access.token = token;
    options.tls = std::move(tls);
    options.data = folder_.path();
    auto service = Service::open(options, *studio_, *studio_);
    ASSERT_TRUE(service.ok()) << service.error().message();
    service_ = std::move(service).value();
    thread_ = std::thread([this] { service_->run(); });
  }
  void stop() {
    if (!thread_.joinable()) return;
    service_->stop();
    thread_.join();
    service_.reset();
  }

  std::uint16_t port() const { return service_->port(); }
  Reply get(const std::string& target) { return Client(port()).request("GET", target); }
  Reply post(const std::string& target, const std::string& body) {
    return Client(port()).request("POST", target, body);
  }
  // The id of the job.
  std::string submit(const std::string& prompt, const std::string& more = "") {
    const Reply reply = post("/prompt", R"({"prompt":)" + prompt + more + "}");
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.json().value("prompt_id", "");
  }
  // Its entry of the history, once it is there.
  json finished(const std::string& id) {
    for (int i = 0; i < 1000; ++i) {
      json history = get("/history/" + id).json();
      if (history.contains(id)) return history[id];
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "job " << id << " did not finish";
    return {};
  }

  obscura::testing::TemporaryFolder folder_;
  std::unique_ptr<FakeStudio> studio_;
  std::unique_ptr<Service> service_;
  std::thread thread_;
};

// A client's WebSocket that reads what comes.
class Listener {
 public:
  Listener(std::uint16_t port, const std::string& client) : client_(port) {
    EXPECT_EQ(client_.upgrade("/ws?clientId=" + client).status, 101);
  }
  // Messages up to and including the first of this type; binary ones as {"binary": type}.
  std::vector<json> until(const std::string& type) {
    std::vector<json> messages;
    while (auto frame = client_.frame()) {
      if (frame->opcode == 2) {
        messages.push_back({{"binary", static_cast<int>(frame->payload[3])}});
        binary_ = frame->payload;
      } else if (frame->opcode == 1) {
        messages.push_back(json::parse(frame->payload));
        if (messages.back()["type"] == type) return messages;
      }
    }
    ADD_FAILURE() << "the socket closed before a message of type " << type;
    return messages;
  }
  std::vector<json> until_over() {
    std::vector<json> all;
    for (;;) {
      for (json& message : until("executing")) all.push_back(std::move(message));
      if (all.empty() || all.back()["type"] != "executing" || all.back()["data"]["node"].is_null())
        return all;
    }
  }
  const std::string& last_binary() const { return binary_; }
  Client& client() { return client_; }

 private:
  Client client_;
  std::string binary_;
};

// A multipart body with the boundary "B".
inline std::string form(const std::vector<std::pair<std::string, std::string>>& fields,
                        const std::string& filename, const std::string& content) {
  std::string body;
  for (const auto& [name, value] : fields)
    body += "--B\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
  return body + "--B\r\nContent-Disposition: form-data; name=\"image\"; filename=\"" + filename +
         "\"\r\nContent-Type: image/png\r\n\r\n" + content + "\r\n--B--\r\n";
}

}  // namespace obscura::server::testing
