// Makes results inside a network visible.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "ir/graph.h"

namespace obscura::ir {

// For each scope, adds an output of that name: the result of the last node in the scope or in one
// inside it. A block's last node is its result, so "input_blocks.4.1" is the state after that
// block. Before any rewrite: a fused graph has lost scopes. kNotFound if no node is in the scope.
Status tap(Graph& graph, std::span<const std::string> scopes);

}  // namespace obscura::ir
