// How nodes that make one conditioning of others are declared.
#pragma once

#include "graph/node_type.h"

namespace obscura::nodes {

inline graph::NodeType conditioning_node(const char* id, const char* label, const char* category,
                                         const char* description) {
  return graph::NodeType(id)
      .label(label)
      .category(category)
      .description(description)
      .output("CONDITIONING");
}

inline graph::InputSpec conditioning_input(const char* name = "conditioning") {
  return graph::socket(name, "CONDITIONING");
}

}  // namespace obscura::nodes
