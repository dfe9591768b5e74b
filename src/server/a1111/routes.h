// AUTOMATIC1111's API, /sdapi/v1: a request becomes a workflow of ComfyUI's nodes, goes through the
// queue as any other job, and stays in the history, from where the editor can open it. What this
// program does not have is refused with 422 and its name.
#pragma once

#include "server/jobs/service_parts.h"
#include "server/net/router.h"

namespace obscura::server {

void add_a1111_routes(Router& router, ServiceParts& parts);

// Each adds the routes of one source file; `parts` is borrowed.
void add_a1111_image_routes(Router& router, ServiceParts& parts);  // txt2img, img2img, progress, …
void add_a1111_extras_routes(Router& router, ServiceParts& parts);
void add_a1111_list_routes(Router& router, ServiceParts& parts);  // what there is to choose from

}  // namespace obscura::server
