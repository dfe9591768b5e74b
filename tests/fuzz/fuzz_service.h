// What must hold for any request to the service, through its real routes, accounts, queue and
// database, with nodes that do arithmetic: it is answered, by JSON that can be read where it says
// so, no exception escapes a route, and none makes a header of its own.
#pragma once

#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/log.h"
#include "base/lower_case.h"
#include "server/fake_studio.h"
#include "server/net/text.h"
#include "server/net/transport.h"
#include "server/service.h"
#include "store/temporary_folder.h"

namespace obscura::fuzz {

// A service that nobody can connect to, with its queue at rest: jobs are taken and wait.
class QuietService {
 public:
  QuietService() {
    studio_.set_data(folder_.path());
    server::ServiceOptions options;
    options.access.listen.port = 0;
    options.data = folder_.path();
    auto service = server::Service::open(options, studio_, studio_);
    OBSCURA_CHECK(service.ok(), service.error().message());
    service_ = std::move(service).value();
  }
  server::Handler& handler() { return service_->handler(); }

 private:
  obscura::testing::TemporaryFolder folder_;
  server::testing::FakeStudio studio_;
  std::unique_ptr<server::Service> service_;
};

inline void check_response(const server::Response& response) {
  if (response.later) return;
  OBSCURA_CHECK(response.status >= 200 && response.status < 600, "an answer without a status");
  // With another status it is the request's own words, said back.
  OBSCURA_CHECK(response.status != 500 || response.body.find("internal error") == std::string::npos,
                "an exception");
  for (const auto& [name, value] : response.headers)
    OBSCURA_CHECK((name + value).find_first_of("\r\n") == std::string::npos, "a header split");
  if (response.file || response.body.empty() || response.type != "application/json") return;
  OBSCURA_CHECK(nlohmann::json::accept(response.body), "an answer that is no JSON");
}

// "METHOD TARGET", a line of each header, an empty line, the body; the method WS opens a WebSocket
// and sends the body. True if a route has answered.
inline bool fuzz_service(std::string_view text) {
  // It outlives the service, which writes to it to the end.
  static const std::shared_ptr<spdlog::logger> logger = spdlog::default_logger();
  // A new one now and then, so that what earlier inputs have left stays little.
  static std::unique_ptr<QuietService> service;
  static int inputs = 0;
  if (inputs++ % 512 == 0) {
    service.reset();
    service = std::make_unique<QuietService>();
  }
  auto line = [&] {
    const std::size_t end = text.find('\n');
    const std::string_view first = text.substr(0, end);
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
    return first;
  };
  const std::string_view start = line();
  const std::size_t space = start.find(' ');
  if (space == std::string_view::npos) return false;
  server::Request request;
  request.method = start.substr(0, space);
  request.websocket = request.method == "WS";
  request.headers.emplace("host", "localhost");
  request.peer = "127.0.0.1";
  if (!server::parse_target(start.substr(space + 1), request).ok()) return false;
  for (std::string_view header = line(); !header.empty(); header = line()) {
    const std::size_t colon = header.find(": ");
    if (colon == std::string_view::npos) continue;
    request.headers.emplace(lower_case(header.substr(0, colon)), header.substr(colon + 2));
  }

  server::Handler& handler = service->handler();
  if (auto refusal = handler.refuse(request)) {
    check_response(*refusal);
    return false;
  }
  if (request.websocket) {
    handler.opened(1, request);
    handler.received(1, text);
    handler.closed(1);
    return true;
  }
  if (request.body_file) {
    OBSCURA_CHECK(request.body_file->write(text).ok(), "no room for a body");
  } else {
    request.body = text.substr(0, handler.body_limit(request));
  }
  const server::Response response = handler.handle(request);
  check_response(response);
  if (response.later) response.later([](server::Response late) { check_response(late); });
  return response.status != 404 && response.status != 405;
}

inline bool fuzz_service(std::span<const std::byte> bytes) {
  return fuzz_service(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

}  // namespace obscura::fuzz
