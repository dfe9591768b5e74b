// Parts of a network of images, for running it piece by piece: where it narrows to a single image,
// and which rows of that image some rows of a later one depend on.
//
// Convolutions, elementwise ops and per-pixel Linears need only rows near by. group_stats needs a
// whole image: its result enters a strip as an input, and is found beforehand from the moments of
// all strips, which is exact.
#pragma once

#include <vector>

#include "ir/graph.h"

namespace obscura::ir {

struct Rows {
  std::int64_t begin = 0, end = 0;
  std::int64_t count() const { return end - begin; }
};

// A range of nodes between two images through which everything passes.
struct Segment {
  std::size_t begin = 0, end = 0;  // nodes
  ValueId input = kNoValue, output = kNoValue;
};

// The graph cut at every such image. REQUIRES: one input and one output, both images, and no
// parameters. A graph that never narrows is one segment.
std::vector<Segment> segments(const Graph& graph);
// `a` and the segment after it as one.
Segment join(const Segment& a, const Segment& b);

// The segment as a graph of its own, with inputs "x" and output "y".
Graph segment_graph(const Graph& graph, const Segment& segment);

// True if strips can run every node of the segment.
bool can_run_in_strips(const Graph& graph, const Segment& segment);
// The segment's group_stats nodes, in order.
std::vector<std::size_t> stats_nodes(const Graph& graph, const Segment& segment);

struct Strip {
  Graph graph;  // input "x": `source` rows of the segment's input; "stats<node>" for each
                // group_stats it passes
  Rows source;
};

// Rows of the segment's output, as output "y".
Strip output_strip(const Graph& graph, const Segment& segment, Rows rows);
// The channel moments of rows of what the group_stats node `stats` reads, as output "y".
Strip moments_strip(const Graph& graph, const Segment& segment, std::size_t stats, Rows rows);

}  // namespace obscura::ir
