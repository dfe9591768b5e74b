#include "server/service.h"

#include <fmt/format.h>

#include <exception>
#include <system_error>

#include "base/log.h"
#include "server/a1111/routes.h"
#include "server/api/event_sockets.h"
#include "server/api/job_events.h"
#include "server/api/routes.h"
#include "server/comfyui/client_sockets.h"
#include "server/comfyui/history.h"
#include "server/comfyui/job_events.h"
#include "server/comfyui/routes.h"
#include "server/jobs/job_listener.h"
#include "server/jobs/job_queue.h"
#include "server/jobs/service_parts.h"
#include "server/net/limits.h"
#include "server/net/router.h"
#include "server/net/transport.h"
#include "server/page.h"
#include "server/studio/project_folders.h"
#include "store/job_store.h"

namespace obscura::server {
namespace {

constexpr std::size_t kMaxClientId = 128;

std::string_view without_api(std::string_view path) {
  if (path.starts_with("/api/")) path.remove_prefix(4);
  return path;
}

// A client that has no id is given one, as by ComfyUI.
std::string new_client_id() {
  return new_token().substr(0, 32);
}

bool is_events(std::string_view path) {
  return path == "/ws" || path == "/v1/events";
}

}  // namespace

struct Service::Implementation final : Handler {
  Implementation(const ServiceOptions& options, Access the_access,
                 std::shared_ptr<store::Connection> connection,
                 std::unique_ptr<store::JobStore> the_store, Studio& studio, JobRunner& runner)
      : access(std::move(the_access)),
        store(std::move(the_store)),
        results(connection),
        accounts(connection),
        audit(connection),
        files(options.data, studio),
        queue({*store, accounts, results, runner, studio, files, listeners, history}),
        parts{studio, *store, results,      accounts, audit,     queue,
              files,  access, options.data, requests, background} {
    access.use(accounts);
    listeners.add(comfyui_events);
    listeners.add(api_events);
    add_job_routes(router, parts);
    add_job_view_routes(router, parts);
    add_internal_routes(router, parts, log);
    add_node_routes(router, parts);
    add_image_routes(router, parts);
    add_user_routes(router, parts);
    add_api_job_routes(router, parts);
    add_api_result_routes(router, parts);
    add_api_model_routes(router, parts, event_sockets);
    add_api_account_routes(router, parts);
    add_api_project_routes(router, parts);
    add_metrics_route(router, parts,
                      [this] { return client_sockets.count() + event_sockets.count(); });
    add_a1111_routes(router, parts);
    add_page_routes(router, page_files(), studio.version());
  }

  std::optional<Response> refuse(Request& header) override {
    auto refusal = access.refuse(header);
    if (!refusal) refusal = refuse_path(header);
    if (refusal) count(refusal->status);
    return refusal;
  }

  std::optional<Response> refuse_path(Request& header) const {
    const std::string_view path = without_api(header.path);
    if (!header.websocket) {
      if (is_events(path)) return error_response(426, "wanted a WebSocket");
      return router.refuse(header);
    }
    if (!is_events(path)) return error_response(404, "WebSockets are at /ws and /api/v1/events");
    if (header.caller.role >= Role::kViewer) return std::nullopt;
    return error_response(401, "wanted a token, as ?token=…");
  }

  std::size_t body_limit(const Request& header) override {
    if (header.body_file) return kMaxModelBytes;
    const bool asks_only = header.method == "GET" || header.method == "HEAD";
    if (header.caller.role == Role::kNobody || asks_only) return kMaxBodyOfStrangers;
    const std::string_view path = without_api(header.path);
    const bool files_come = path.starts_with("/upload/") || path.starts_with("/userdata/") ||
                            path.starts_with("/sdapi/");
    return files_come ? kMaxUploadBytes : kMaxBodyBytes;
  }

  void count(int status) {
    const int hundred = status / 100;
    if (hundred >= 1 && hundred <= 5) {
      requests.by_hundred[hundred].fetch_add(1, std::memory_order_relaxed);
    }
  }

  Response handle(const Request& request) override {
    // Whatever a request brings about, the service goes on.
    try {
      Response response = router.answer(request);
      count(response.status);
      return response;
    } catch (const std::exception& error) {
      log::error("{} {}: {}", request.method, request.path, error.what());
      count(500);
      return error_response(500, "internal error");
    }
  }

  void opened(SocketId socket, const Request& request) override {
    const std::string& project = request.caller.project;
    if (without_api(request.path) == "/v1/events") {
      event_sockets.opened(socket, project);
      return api_events.greet(socket, session_json(request.caller), project);
    }
    const std::string* given = request.parameter("clientId");
    const std::string client =
        given != nullptr && !given->empty() ? given->substr(0, kMaxClientId) : new_client_id();
    client_sockets.opened(socket, project, client);
    comfyui_events.greet(socket, project, client, queue);
  }
  void received(SocketId socket, std::string_view text) override {
    try {
      client_sockets.received(socket, text);
    } catch (const std::exception& error) {
      log::error("a WebSocket message: {}", error.what());
    }
  }
  void closed(SocketId socket) override {
    client_sockets.closed(socket);
    event_sockets.closed(socket);
  }
  void attach(Transport* to) {
    client_sockets.attach(to);
    event_sockets.attach(to);
  }

  RequestCounts requests;
  Access access;
  std::unique_ptr<store::JobStore> store;
  store::ResultStore results;
  store::AccountStore accounts;
  store::AuditLog audit;
  ResultFiles files;
  ClientSockets client_sockets;
  EventSockets event_sockets;
  LogFeed log{client_sockets};
  JobListeners listeners;
  ComfyUiHistory history;
  JobQueue queue;
  ComfyUiJobEvents comfyui_events{client_sockets, *store};
  ApiJobEvents api_events{event_sockets, *store, queue};
  Background background;
  ServiceParts parts;
  Router router;
  std::unique_ptr<Transport> transport;
};

Result<std::unique_ptr<Service>> Service::open(const ServiceOptions& options, Studio& studio,
                                               JobRunner& runner) {
  AccessOptions access_options = options.access;
  access_options.tls = options.tls.has_value();
  OBSCURA_ASSIGN(Access access, Access::create(access_options));
  OBSCURA_TRY(prepare_project_folder(options.data, store::kDefaultProject));
  OBSCURA_ASSIGN(auto connection, store::Connection::open(options.data / "obscura.db"));
  OBSCURA_ASSIGN(auto store, store::JobStore::open(connection));
  OBSCURA_ASSIGN(auto projects, store::AccountStore(connection).projects());
  for (const store::Project& project : projects)
    OBSCURA_TRY(prepare_project_folder(options.data, project.name));
  std::error_code ignored;
  std::filesystem::remove_all(options.data / "exports", ignored);
  auto implementation = std::make_unique<Implementation>(
      options, std::move(access), std::move(connection), std::move(store), studio, runner);
  OBSCURA_ASSIGN(implementation->transport,
                 Transport::listen({.address = options.access.listen.address,
                                    .port = options.access.listen.port,
                                    .tls = options.tls},
                                   *implementation));
  implementation->attach(implementation->transport.get());
  // Not before it listens: there may be a hundred thousand images.
  implementation->background.start([data = options.data, projects = std::move(projects)] {
    for (const store::Project& project : projects) clean_project_folder(data, project.name);
  });
  return std::unique_ptr<Service>(new Service(std::move(implementation)));
}

Service::Service(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

Service::~Service() {
  // What still waits for an answer holds connections: they go before the transport does.
  implementation_->queue.stop();
  implementation_->background.stop();
  implementation_->attach(nullptr);
}

std::uint16_t Service::port() const {
  return implementation_->transport->port();
}

Handler& Service::handler() {
  return *implementation_;
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
