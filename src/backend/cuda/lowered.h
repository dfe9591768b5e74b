// A graph on a CUDA device: its kernels on one stream, streamed weights on another, and stretches
// of nodes replayed as CUDA graphs from their second run on.
#pragma once

#include <memory>

#include "backend/cuda/context.h"
#include "backend/lowered.h"
#include "backend/memory.h"
#include "base/result.h"
#include "ir/graph.h"

namespace obscura::backend::cuda {

// Memory of the device.
Result<MemoryPtr> allocate(std::size_t bytes);

Result<std::unique_ptr<Lowered>> lower(const ir::Graph& graph, std::shared_ptr<Context> context);

}  // namespace obscura::backend::cuda
