// "node.input=value" from the command line: sets one input of a workflow.
//
// The node is an id, or a title or class name that only one node has; it may contain dots
// ("12.0.1.steps=20"). The value is read as the type that the input declares: a number, true or
// false, or text as it stands. For other types, and for links, it is JSON: `4.model=["1", 0]`.
#pragma once

#include <string_view>

#include "base/result.h"
#include "graph/node_registry.h"
#include "graph/workflow.h"

namespace obscura::graph {

// kInvalidInput or kNotFound; the message names what exists and what is nearest. Bounds and choices
// are left to validate().
Status assign(Workflow& workflow, const NodeRegistry& registry, std::string_view assignment);

}  // namespace obscura::graph
