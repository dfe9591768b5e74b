// The values that the nodes of subgraphs keep for fields inside (the property proxyWidgets beside
// widgets_values), given to the nodes that they belong to.
//
// ComfyUI's editors of 2025 and early 2026 write such lists; newer ones make an input of the
// subgraph of each field when they open the file, which comes to the same values as here:
// - The value in a field's own place is its value; a place that is null or missing leaves the field
//   as it is inside.
// - The node "-1" is the subgraph's own node, the field one of its inputs.
// - A field that an input of the subgraph feeds has its value there.
// - Of subgraphs in subgraphs, the outermost one's value counts.
#pragma once

#include "base/result.h"
#include "graph/editor_graph.h"

namespace obscura::graph {

// Fills EditorNode::given. kInvalidInput where a small file asks for a huge amount of work.
Status give_promoted_values(EditorGraph& graph);

}  // namespace obscura::graph
