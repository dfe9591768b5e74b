// The answer to ComfyUI's GET /object_info: every node's declaration as JSON, for editors and
// scripts.
//
// Choices come in ComfyUI's first form, [[choices], options], which every client reads.
#pragma once

#include <nlohmann/json.hpp>

#include "graph/environment.h"
#include "graph/node_registry.h"
#include "graph/node_type.h"

namespace obscura::graph {

// One node's entry. Calls the option providers.
nlohmann::ordered_json object_info(const NodeType& type, const Environment& environment);
// {class: entry} for all nodes.
nlohmann::ordered_json object_info(const NodeRegistry& registry, const Environment& environment);
// [type, options], as an entry and a validation error show an input.
nlohmann::ordered_json input_config(const InputSpec& spec, const Environment& environment);

}  // namespace obscura::graph
