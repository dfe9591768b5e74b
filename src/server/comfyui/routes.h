// ComfyUI's HTTP API over the queue, the studio's facts and the folders: what its editor, plugins
// and scripts call. Every route exists with "/api" before it as well (Router sees to that).
#pragma once

#include "server/comfyui/log_feed.h"
#include "server/jobs/service_parts.h"
#include "server/net/router.h"

namespace obscura::server {

// Each adds the routes of one source file; what they are given is borrowed.
void add_job_routes(Router& router, ServiceParts& parts);
void add_job_view_routes(Router& router, ServiceParts& parts);
void add_internal_routes(Router& router, ServiceParts& parts, LogFeed& log);
void add_node_routes(Router& router, ServiceParts& parts);
void add_image_routes(Router& router, ServiceParts& parts);
void add_user_routes(Router& router, ServiceParts& parts);

}  // namespace obscura::server
