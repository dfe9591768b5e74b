// The transport alone, with limits that a test can wait for, before a handler that only notes.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/client.h"
#include "server/net/transport.h"

namespace obscura::server::testing {

// Answers with the request's body, or with as many bytes as ?bytes= says.
class NotingHandler final : public Handler {
 public:
  std::optional<Response> refuse(Request&) override { return std::nullopt; }
  std::size_t body_limit(const Request&) override { return 1 << 20; }
  Response handle(const Request& request) override {
    ++requests;
    const std::string* bytes = request.parameter("bytes");
    return json_response(bytes != nullptr ? std::string(std::stoul(*bytes), 'x') : request.body);
  }
  void opened(SocketId socket, const Request&) override { last_opened = socket; }
  void received(SocketId, std::string_view) override { ++messages; }
  void closed(SocketId) override { ++closes; }

  std::atomic<int> requests = 0, messages = 0, closes = 0;
  std::atomic<SocketId> last_opened = 0;
};

class TransportTest : public ::testing::Test {
 protected:
  ~TransportTest() override { stop(); }

  void start(TransportOptions options) {
    options.port = 0;
    auto transport = Transport::listen(options, handler_);
    ASSERT_TRUE(transport.ok()) << transport.error().message();
    transport_ = std::move(transport).value();
    thread_ = std::thread([this] { transport_->run(); });
  }
  void stop() {
    if (!thread_.joinable()) return;
    transport_->stop();
    thread_.join();
    transport_.reset();
  }
  std::uint16_t port() const { return transport_->port(); }

  // Waits for at most ten seconds.
  template <class Condition>
  static bool comes_true(const Condition& condition) {
    for (int i = 0; i < 1000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  NotingHandler handler_;
  std::unique_ptr<Transport> transport_;
  std::thread thread_;
};

}  // namespace obscura::server::testing
