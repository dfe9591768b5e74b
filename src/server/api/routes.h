// The studio's own API, below /api/v1, as docs/openapi.json describes it; and /metrics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/api/event_sockets.h"
#include "server/jobs/service_parts.h"
#include "server/net/http.h"
#include "server/net/router.h"

namespace obscura::server {

// Each adds the routes of one source file; `parts` is borrowed.
void add_api_job_routes(Router& router, ServiceParts& parts);  // jobs, queue
void add_api_result_routes(Router& router, ServiceParts& parts);
void add_api_model_routes(Router& router, ServiceParts& parts, EventSockets& sockets);
void add_api_account_routes(Router& router, ServiceParts& parts);  // session, users, audit
void add_api_project_routes(Router& router, ServiceParts& parts);
// `count_sockets` says how many WebSockets are open.
void add_metrics_route(Router& router, ServiceParts& parts,
                       std::function<std::size_t()> count_sockets);

// docs/openapi.json.
std::string_view openapi();

nlohmann::ordered_json session_json(const Caller& caller);

// `limit` and `offset` of the query: 1 to 1000, and from 0.
struct Page {
  std::int64_t limit = 100, offset = 0;
};
Result<Page> page_of(const Request& request);

Response no_content();
// Done from now on: what an owner or artist changed, in the audit log.
void note(ServiceParts& parts, const Request& request, const std::string& action,
          const std::string& subject, const std::string& project,
          const nlohmann::ordered_json& detail = {});

}  // namespace obscura::server
