#include "server/service.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <exception>
#include <system_error>

#include "base/log.h"
#include "server/comfyui.h"
#include "server/event_hub.h"
#include "server/job_queue.h"
#include "server/page.h"
#include "server/router.h"
#include "server/transport.h"
#include "store/job_store.h"

namespace obscura::server {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxBodyBytes = std::size_t{16} << 20;
constexpr std::size_t kMaxClientId = 128;

std::string_view without_api(std::string_view path) {
  if (path.starts_with("/api/")) path.remove_prefix(4);
  return path;
}

// A client that has no id is given one, as by ComfyUI.
std::string new_client_id() {
  unsigned char bytes[16];
  OBSCURA_CHECK(::getrandom(bytes, sizeof bytes, 0) == sizeof bytes, "getrandom gave too little");
  std::string id;
  for (unsigned char byte : bytes) id += fmt::format("{:02x}", byte);
  return id;
}

Status make_folders(const std::filesystem::path& data) {
  for (const char* name : {"input", "output", "temp", "user/default"}) {
    std::error_code error;
    std::filesystem::create_directories(data / name, error);
    if (error) {
      return Error(ErrorKind::kIo, fmt::format("--data: cannot create the folder {}: {}",
                                               (data / name).string(), error.message()));
    }
  }
  return {};
}

}  // namespace

struct Service::Implementation final : Handler {
  Implementation(Access the_access, std::unique_ptr<store::JobStore> the_store, Studio& studio,
                 JobRunner& runner, const std::filesystem::path& data)
      : access(std::move(the_access)),
        store(std::move(the_store)),
        queue(*store, runner, hub),
        api(studio, *store, queue, data) {
    add_job_routes(router, api);
    add_node_routes(router, api);
    add_picture_routes(router, api);
    add_user_routes(router, api);
    add_page_routes(router, page, studio.version());
  }

  std::optional<Response> refuse(const Request& header) override {
    if (auto refusal = access.refuse(header)) return refusal;
    const std::string_view path = without_api(header.path);
    if (header.websocket == (path == "/ws")) return std::nullopt;
    return header.websocket ? error_response(404, "WebSockets are at /ws")
                            : error_response(426, "wanted a WebSocket at /ws");
  }

  std::size_t body_limit(const Request& header) override {
    const std::string_view path = without_api(header.path);
    const bool files = path.starts_with("/upload/") || path.starts_with("/userdata/");
    return files ? kMaxUploadBytes : kMaxBodyBytes;
  }

  Response handle(const Request& request) override {
    // Whatever a request brings about, the service goes on.
    try {
      return router.answer(request);
    } catch (const std::exception& error) {
      log::error("{} {}: {}", request.method, request.path, error.what());
      return error_response(500, "internal error");
    }
  }

  void opened(SocketId socket, const Request& request) override {
    const std::string* given = request.parameter("clientId");
    const std::string client =
        given != nullptr && !given->empty() ? given->substr(0, kMaxClientId) : new_client_id();
    hub.opened(socket, client);
    json status = queue.status();
    status["sid"] = client;
    hub.send_to(socket, "status", status);
    if (const std::string node = queue.running_node(client); !node.empty()) {
      hub.send_to(socket, "executing", {{"node", node}});
    }
  }
  void received(SocketId socket, std::string_view text) override {
    try {
      hub.received(socket, text);
    } catch (const std::exception& error) {
      log::error("a WebSocket message: {}", error.what());
    }
  }
  void closed(SocketId socket) override { hub.closed(socket); }

  const std::vector<PageFile> page = page_files();
  Access access;
  std::unique_ptr<store::JobStore> store;
  EventHub hub;
  JobQueue queue;
  ComfyUi api;
  Router router;
  std::unique_ptr<Transport> transport;
};

Result<std::unique_ptr<Service>> Service::open(const ServiceOptions& options, Studio& studio,
                                               JobRunner& runner) {
  OBSCURA_ASSIGN(Access access, Access::create(options.listen, options.token));
  OBSCURA_TRY(make_folders(options.data));
  OBSCURA_ASSIGN(auto store, store::JobStore::open(options.data / "obscura.db"));
  auto implementation = std::make_unique<Implementation>(std::move(access), std::move(store),
                                                         studio, runner, options.data);
  OBSCURA_ASSIGN(implementation->transport,
                 Transport::listen({.address = options.listen.address, .port = options.listen.port},
                                   *implementation));
  implementation->hub.attach(implementation->transport.get());
  return std::unique_ptr<Service>(new Service(std::move(implementation)));
}

Service::Service(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

Service::~Service() {
  implementation_->queue.stop();
  implementation_->hub.attach(nullptr);
}

std::uint16_t Service::port() const {
  return implementation_->transport->port();
}

void Service::run() {
  implementation_->queue.start();
  implementation_->transport->run();
  implementation_->queue.stop();
}

void Service::stop() {
  implementation_->transport->stop();
}

}  // namespace obscura::server
