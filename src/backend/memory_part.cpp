#include "backend/memory_part.h"

#include <utility>

#include "plan/packing.h"

namespace obscura::backend {

Result<std::vector<std::shared_ptr<MemoryPart>>> allocate_parts(std::span<const std::size_t> sizes,
                                                                std::size_t piece_bytes,
                                                                const AllocateMemory& allocate) {
  const plan::Pieces pieces = plan::fill_pieces(sizes, piece_bytes);
  std::vector<MemoryPtr> memory;
  for (std::size_t bytes : pieces.bytes) {
    OBSCURA_ASSIGN(MemoryPtr piece, allocate(bytes));
    memory.push_back(std::move(piece));
  }
  std::vector<std::shared_ptr<MemoryPart>> parts;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const MemoryPtr& piece = memory[pieces.places[i].piece];
    parts.push_back(std::make_shared<MemoryPart>(
        MemoryPart{piece, piece->data() + pieces.places[i].offset, sizes[i]}));
  }
  return parts;
}

}  // namespace obscura::backend
