// A graph on the CPU: its kernels, which compute when they are called, on the memory of everybody.
#pragma once

#include <memory>

#include "backend/lowered.h"
#include "backend/memory.h"
#include "base/result.h"
#include "ir/graph.h"

namespace obscura::backend::cpu {

// Pages of the system's own, that go back to it when freed.
Result<MemoryPtr> allocate(std::size_t bytes);

Result<std::unique_ptr<Lowered>> lower(const ir::Graph& graph);

}  // namespace obscura::backend::cpu
