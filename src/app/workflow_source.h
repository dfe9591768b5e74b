// The workflow that a command's FILE holds: a JSON document, or a picture that carries one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/workflow_file.h"

namespace obscura::app {

// ComfyUI's API or editor form, a request's body, or a PNG, JPEG or WebP with one of them inside.
Result<graph::WorkflowFile> read_workflow_source(const std::filesystem::path& path);

// `node.input=value` each, then the seed into every node that has one as a constant.
// kInvalidInput if --seed finds no such node.
Status apply_settings(graph::Workflow& workflow, const std::vector<std::string>& assignments,
                      std::optional<std::uint64_t> seed);

}  // namespace obscura::app
