// The studio's own API, below /api/v1, as docs/openapi.json describes it; and /metrics.
#pragma once

#include <atomic>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "server/access.h"
#include "server/background.h"
#include "server/event_hub.h"
#include "server/job_queue.h"
#include "server/job_runner.h"
#include "server/result_files.h"
#include "server/router.h"
#include "server/text.h"
#include "store/account_store.h"
#include "store/audit_log.h"
#include "store/job_store.h"
#include "store/result_store.h"

namespace obscura::server {

// What has been asked of the service, for /metrics. Thread safe.
struct RequestCounts {
  std::atomic<std::int64_t> by_hundred[6] = {};  // [2]: answers with 2xx
};

// All that the routes reach; what they borrow outlives them.
struct Api {
  Studio& studio;
  store::JobStore& jobs;
  store::ResultStore& results;
  store::AccountStore& accounts;
  store::AuditLog& audit;
  JobQueue& queue;
  ResultFiles& result_files;
  EventHub& hub;
  Access& access;
  std::filesystem::path data;
  RequestCounts& requests;
  Background& background;
};

inline constexpr std::size_t kMaxBodyBytes = std::size_t{16} << 20;
// Of a model that is imported; it goes to the disk as it comes.
inline constexpr std::size_t kMaxModelBytes = std::size_t{64} << 30;

// Each adds the routes of one source file; `api` is borrowed.
void add_api_job_routes(Router& router, Api& api);  // jobs, queue
void add_api_result_routes(Router& router, Api& api);
void add_api_model_routes(Router& router, Api& api);
void add_api_account_routes(Router& router, Api& api);  // session, users, audit
void add_api_project_routes(Router& router, Api& api);
void add_metrics_route(Router& router, Api& api);

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
void note(Api& api, const Request& request, const std::string& action, const std::string& subject,
          const std::string& project, const nlohmann::ordered_json& detail = {});

}  // namespace obscura::server
