// ComfyUI's HTTP API over the queue, the studio's facts and the folders: what its editor, plugins
// and scripts call. Every route exists with "/api" before it as well (Router sees to that).
#pragma once

#include <filesystem>

#include "server/background.h"
#include "server/job_queue.h"
#include "server/job_runner.h"
#include "server/log_feed.h"
#include "server/project_folders.h"
#include "server/result_files.h"
#include "server/router.h"
#include "store/job_store.h"

namespace obscura::server {

// All that the routes reach; what they borrow outlives them.
struct ComfyUi {
  Studio& studio;
  store::JobStore& store;
  store::ResultStore& results;
  JobQueue& queue;
  ResultFiles& result_files;
  std::filesystem::path data;
  LogFeed& log;
  Background& background;

  ProjectFolders folders(const Request& request) const {
    return ProjectFolders(data, request.caller.project);
  }
};

// Each adds the routes of one source file; `api` is borrowed.
void add_job_routes(Router& router, ComfyUi& api);
void add_job_view_routes(Router& router, ComfyUi& api);
void add_internal_routes(Router& router, ComfyUi& api);
void add_node_routes(Router& router, ComfyUi& api);
void add_picture_routes(Router& router, ComfyUi& api);
void add_user_routes(Router& router, ComfyUi& api);

}  // namespace obscura::server
