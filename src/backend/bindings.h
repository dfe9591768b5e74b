// What the caller binds for a run, in the order of the graph.
#pragma once

#include <span>
#include <vector>

#include "backend/backend.h"
#include "ir/graph.h"

namespace obscura::backend {

struct BoundInput {
  const std::byte* data = nullptr;
  bool on_device = false;
};
struct BoundOutput {
  std::byte* data = nullptr;
  bool on_device = false;
};

// A bug if an input or output of the graph is not bound, or with another size.
std::vector<BoundInput> bind_inputs(const ir::Graph& graph, std::span<const InputBinding> inputs);
std::vector<BoundOutput> bind_outputs(const ir::Graph& graph,
                                      std::span<const OutputBinding> outputs);

}  // namespace obscura::backend
