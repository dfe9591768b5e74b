// Which node made a NaN.
#pragma once

#include <cstddef>
#include <functional>

#include "backend/backend.h"
#include "base/result.h"
#include "ir/graph.h"

namespace obscura::backend {

// A run of the graph that is gone through once more, node by node.
struct NonFiniteSearch {
  const ir::Graph& graph;
  WeightReader& reader;
  std::function<Status()> begin;  // puts the inputs in place
  std::function<Status(std::size_t node)> run_node;
  std::function<Result<bool>(ir::ValueId)> is_finite;
};

// kNumeric, naming what is not finite first: an input, a weight or a node's result; or the error
// that ended the search.
Error find_non_finite(const NonFiniteSearch& search);

}  // namespace obscura::backend
