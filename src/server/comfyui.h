// ComfyUI's HTTP API over the queue, the studio's facts and the folders: what its editor, plugins
// and scripts call. Every route exists with "/api" before it as well (Router sees to that).
#pragma once

#include <filesystem>

#include "server/file_area.h"
#include "server/job_queue.h"
#include "server/job_runner.h"
#include "server/router.h"
#include "store/job_store.h"

namespace obscura::server {

// All that the routes reach; what they borrow outlives them.
struct ComfyUi {
  // `data` holds the folders input, output, temp and user, as ComfyUI's own folder does.
  ComfyUi(Studio& the_studio, store::JobStore& the_store, JobQueue& the_queue,
          const std::filesystem::path& data)
      : studio(the_studio),
        store(the_store),
        queue(the_queue),
        input(data / "input"),
        output(data / "output"),
        temporary(data / "temp"),
        user(data / "user" / "default") {}

  // "input", "output" or "temp"; null for anything else.
  const FileArea* area(std::string_view type) const;

  Studio& studio;
  store::JobStore& store;
  JobQueue& queue;
  FileArea input, output, temporary, user;
};

// Each adds the routes of one source file; `api` is borrowed.
void add_job_routes(Router& router, ComfyUi& api);
void add_node_routes(Router& router, ComfyUi& api);
void add_picture_routes(Router& router, ComfyUi& api);
void add_user_routes(Router& router, ComfyUi& api);

// The status that an error is answered with.
Response error_response(const Error& error);

}  // namespace obscura::server
