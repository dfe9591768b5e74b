// Parts of a device's allocations, which lie one beside the other.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "backend/memory.h"
#include "base/result.h"

namespace obscura::backend {

// Its allocation lasts for as long as somebody holds a part of it.
struct MemoryPart {
  MemoryPtr memory;
  std::byte* data = nullptr;
  std::size_t bytes = 0;
};

using AllocateMemory = std::function<Result<MemoryPtr>(std::size_t bytes)>;

// A part of each size, in allocations of `piece_bytes` (0: all in one), with unspecified content.
// Each begins at a multiple of plan::kAlignment from its allocation's beginning.
Result<std::vector<std::shared_ptr<MemoryPart>>> allocate_parts(std::span<const std::size_t> sizes,
                                                                std::size_t piece_bytes,
                                                                const AllocateMemory& allocate);

}  // namespace obscura::backend
