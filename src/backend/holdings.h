// What the Executables of a device have in common: the arena, in which one after the other runs,
// and the prepared weights, each held once however many read it.
//
// One thread at a time, as the device.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/memory_part.h"
#include "base/result.h"
#include "ir/graph.h"
#include "plan/plan.h"

namespace obscura::backend {

// Under which a prepared weight is shared: equal keys mean equal bytes. Streamed ones that wait in
// the host's memory are not those that lie on the device.
std::string weight_key(const ir::Value& value, const plan::PlannedWeight& weight,
                       const WeightReader& reader);

class Holdings {
 public:
  // `allocate` gives memory of the device.
  explicit Holdings(AllocateMemory allocate) : allocate_(std::move(allocate)) {}

  // At least `bytes`, with unspecified content, in pieces of plan::Layout::piece_bytes. What was
  // there before is given back first: both at once need not fit.
  Status reserve_arena(std::size_t bytes, std::size_t piece_bytes);
  void release_arena();
  // REQUIRES: the offset lies in what was reserved.
  std::byte* arena(std::size_t offset) const;
  std::size_t arena_bytes() const { return arena_bytes_; }
  // Changes whenever the arena moves.
  int arena_generation() const { return generation_; }
  // Whose intermediate results the arena holds: the last that ran, or nullptr.
  const void* arena_user = nullptr;

  // Memory that weight_bytes() counts for as long as it lives.
  Result<MemoryPtr> allocate(std::size_t bytes);
  std::size_t weight_bytes() const;
  // A weight in the form in which kernels read it, if somebody holds it, or nullptr.
  std::shared_ptr<MemoryPart> find(const std::string& key) const;
  void remember(std::string key, const std::shared_ptr<MemoryPart>& weight);
  // Room that is free where weights have left that shared an allocation with others: both ends are
  // multiples of plan::kAlignment from its beginning.
  std::vector<MemoryPart> gaps() const;

 private:
  AllocateMemory allocate_;
  std::vector<MemoryPtr> arena_;
  std::size_t arena_bytes_ = 0, piece_bytes_ = 0;
  int generation_ = 0;
  std::vector<std::weak_ptr<Memory>> allocations_;
  std::map<std::string, std::weak_ptr<MemoryPart>> weights_;
  std::size_t most_weights_ = 0;  // then those that nobody holds are forgotten
};

}  // namespace obscura::backend
