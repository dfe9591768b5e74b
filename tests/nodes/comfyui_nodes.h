// The nodes of ComfyUI 0.3.64's core, as its /object_info tells of them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/files.h"
#include "graph/json_text.h"
#include "test_paths.h"

namespace obscura::nodes {

inline const nlohmann::ordered_json& comfyui_nodes() {
  static const nlohmann::ordered_json kNodes =
      graph::parse_json(read_file(source_path("tests/golden/comfyui_nodes.json")).value()).value();
  return kNodes;
}

}  // namespace obscura::nodes
