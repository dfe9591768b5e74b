// How the nodes of the menu's part "mask" begin.
#pragma once

#include "graph/node_type.h"

namespace obscura::nodes {

inline graph::NodeType mask_node(const char* id, const char* label, const char* description) {
  return graph::NodeType(id).label(label).category("mask").description(description);
}

}  // namespace obscura::nodes
