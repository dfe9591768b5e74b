// The workflow that a command's FILE holds: a JSON document, or an image that carries one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/workflow_file.h"
#include "io/image.h"
#include "library/model_folders.h"

namespace obscura::app {

// ComfyUI's API or editor form, a request's body, or an image with one of them, or with
// AUTOMATIC1111's parameters, inside. The models and LoRAs that parameters name are looked for in
// the folders `models`. What parameters say and the workflow leaves out is told
// on stderr.
Result<graph::WorkflowFile> read_workflow_source(const std::filesystem::path& path,
                                                 const std::vector<std::string>& models);

// The workflow in an image's texts.
struct ImageWorkflow {
  graph::WorkflowFile file;
  std::vector<std::string> left_out;  // of AUTOMATIC1111's parameters
};
Result<ImageWorkflow> workflow_in_image(const io::ImageMetadata& texts,
                                        const library::ModelFolders& models);

// `node.input=value` each, then the seed into every node that has one as a constant.
// kInvalidInput if --seed finds no such node.
Status apply_settings(graph::Workflow& workflow, const std::vector<std::string>& assignments,
                      std::optional<std::uint64_t> seed);

}  // namespace obscura::app
