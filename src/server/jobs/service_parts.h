// All that the routes of the API's dialects reach.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>

#include "server/jobs/job_queue.h"
#include "server/jobs/result_files.h"
#include "server/net/background.h"
#include "server/net/http.h"
#include "server/studio/access.h"
#include "server/studio/project_folders.h"
#include "server/studio/studio.h"
#include "store/account_store.h"
#include "store/audit_log.h"
#include "store/job_store.h"
#include "store/result_store.h"

namespace obscura::server {

// What has been asked of the service, for /metrics. Thread safe.
struct RequestCounts {
  std::atomic<std::int64_t> by_hundred[6] = {};  // [2]: answers with 2xx
};

// What the parts borrow outlives them.
struct ServiceParts {
  Studio& studio;
  store::JobStore& jobs;
  store::ResultStore& results;
  store::AccountStore& accounts;
  store::AuditLog& audit;
  JobQueue& queue;
  ResultFiles& result_files;
  Access& access;
  std::filesystem::path data;
  RequestCounts& requests;
  Background& background;

  ProjectFolders folders(const Request& request) const {
    return ProjectFolders(data, request.caller.project);
  }
};

}  // namespace obscura::server
