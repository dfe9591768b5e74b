// The inputs of ComfyUI's tiled VAE nodes. Workflows may hold them; what they ask for is the memory
// plan's business here, and its results are exact.
#pragma once

#include <utility>

#include "graph/node_type.h"

namespace obscura::nodes {

inline constexpr char kTilesHelp[] =
    "The result is exactly that of the node without tiles: where memory is short, the plan itself "
    "saves it without seams, and the tile sizes need not be set.";

// `step` is that of tile_size, which ComfyUI declares differently for the two directions.
inline graph::NodeType with_tile_inputs(graph::NodeType type, int step) {
  using graph::integer;
  type.input(integer("tile_size", 512).range(64, 4096).step(step))
      .input(integer("overlap", 64).range(0, 4096).step(32))
      .input(integer("temporal_size", 64).range(8, 4096).step(4))
      .input(integer("temporal_overlap", 8).range(4, 4096).step(4));
  return type;
}

}  // namespace obscura::nodes
