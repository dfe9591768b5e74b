// Reads a workflow in any of the forms in which ComfyUI's users have one.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "graph/node_registry.h"
#include "graph/workflow.h"

namespace obscura::graph {

struct WorkflowFile {
  Workflow workflow;
  WorkflowForm form = WorkflowForm::kApi;
  // What the nodes that save images embed next to the API form: {"workflow": <the editor's
  // document>}, if known.
  nlohmann::ordered_json extra_pnginfo = nlohmann::ordered_json::object();
  std::vector<std::string> targets;   // partial_execution_targets of a request
  std::vector<std::string> warnings;  // from the editor form's conversion
};

// The API form, the editor's form, or the body of POST /prompt. kInvalidInput says what is wrong,
// or that it is none of these.
Result<WorkflowFile> read_workflow(std::string_view text, const NodeRegistry& registry);
Result<WorkflowFile> read_workflow_json(const nlohmann::ordered_json& document,
                                        const NodeRegistry& registry);

}  // namespace obscura::graph
