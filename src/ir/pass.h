// Graph rewrites: small, named, each with the equation that licenses it above its code, run by one
// function that validates the graph after each.
#pragma once

#include <initializer_list>
#include <string_view>

#include "ir/graph.h"

namespace obscura::ir {

// Runs the passes of these names, those below, in this order, removing what no output needs after
// each. kInternal if a name is unknown or a pass leaves a broken graph.
Status run_passes(Graph& graph, std::initializer_list<std::string_view> names);

// Each rewrites `graph` in place; a graph to which it does not apply is left as it is.

// x W_a^T, x W_b^T, x W_c^T = slices of x [W_a; W_b; W_c]^T: the projections before an attention
// become one Linear.
void merge_projections(Graph& graph);
// conv(upsample(x)) = conv that reads each pixel of x twice in both directions.
void fold_upsample(Graph& graph);
// conv(group_norm(x)) = conv(x * scale + shift) with scale and shift from group_stats(x).
void fold_group_norm(Graph& graph);
// activation(linear(x)), linear(x) + r, conv(x) + e[channel], conv(x) + r: into the kernel's last
// step.
void fuse_epilogues(Graph& graph);

// What depends on steady inputs and weights alone moves before everything else, so that a device
// can leave it out while those inputs stay the same.
void hoist_steady(Graph& graph);

// Drops nodes and values that no output and no assignment needs and renumbers the rest, keeping the
// order. Graph inputs and parameters stay.
void remove_unused(Graph& graph);

}  // namespace obscura::ir
