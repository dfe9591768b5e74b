// A request of AUTOMATIC1111's as a workflow of ComfyUI's nodes.
#pragma once

#include <nlohmann/json.hpp>

#include "workflows/a1111_job.h"

namespace obscura::workflows {

// In API form. Images come out of its output nodes in the order of their ids.
nlohmann::ordered_json a1111_workflow(const A1111Job& job);

}  // namespace obscura::workflows
