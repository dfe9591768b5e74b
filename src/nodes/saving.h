// What the nodes that write files share.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"
#include "graph/node_call.h"
#include "graph/node_type.h"
#include "io/image.h"
#include "io/safetensors.h"
#include "library/image_sink.h"

namespace obscura::nodes {

// The rest of the declaration of a node with an input "filename_prefix": a prefix that leads out of
// the output folder is refused before anything is rendered for it.
graph::NodeType& saving_node(graph::NodeType& node);
Status validate_filename_prefix(const graph::NodeInputs& inputs, const graph::Environment&);

// ComfyUI's texts: "prompt", and what the page gave along ("workflow"). REQUIRES: the node declares
// Hidden::kPrompt and Hidden::kExtraPngInfo.
io::ImageMetadata workflow_texts(const graph::NodeCall& call);

// The same for files of tensors, under the keys that ComfyUI reads them back from.
void add_workflow(const graph::NodeCall& call, io::SafetensorsMetadata& metadata);

// Stores what `write` writes under the name that "filename_prefix" asks for.
Result<library::StoredFile> store_file(const graph::NodeCall& call, std::string extension,
                                       std::function<Status(const std::filesystem::path&)> write);

// As ComfyUI's `ui` names a file: {"filename", "subfolder", "type"}.
nlohmann::json as_ui(const library::StoredFile& file);

}  // namespace obscura::nodes
