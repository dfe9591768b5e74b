// The smallest job that ends with an image: no model, and nothing to compute on a device.
#pragma once

#include "graph/node_registry.h"
#include "graph/workflow_file.h"

namespace obscura::app {

inline constexpr const char* kImageJob =
    R"({"1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 4, "batch_size": 1,
                                                    "color": 16711680}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0],
                                                   "filename_prefix": "red"}}})";

inline graph::WorkflowFile image_job() {
  return graph::read_workflow(kImageJob, graph::NodeRegistry::builtin()).value();
}

}  // namespace obscura::app
