// What `obscura bench` says of a network and its times.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "ir/graph.h"

namespace obscura::app {

// Multiply-adds, counted as two operations, of the matrix work of all nodes.
double operations_of(const ir::Graph& graph);

// The report that --json prints, for people.
void print_times(const nlohmann::ordered_json& report);

// The time of each kind of op with its shapes, the longest first. `seconds` is a node's, in the
// order of the graph.
void print_profile(const ir::Graph& graph, const std::vector<double>& seconds);

}  // namespace obscura::app
