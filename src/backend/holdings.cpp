#include "backend/holdings.h"

#include <algorithm>
#include <utility>

namespace obscura::backend {
namespace {

// `weights` all lie in `memory`.
void add_gaps(const MemoryPtr& memory, std::vector<const MemoryPart*> weights,
              std::vector<MemoryPart>& gaps) {
  std::sort(weights.begin(), weights.end(),
            [](const auto* a, const auto* b) { return a->data < b->data; });
  std::size_t free = 0;
  auto end_at = [&](std::size_t offset) {
    if (offset > free) gaps.push_back({memory, memory->data() + free, offset - free});
  };
  for (const MemoryPart* weight : weights) {
    const auto offset = static_cast<std::size_t>(weight->data - memory->data());
    end_at(offset);
    free = plan::aligned(offset + weight->bytes);
  }
  end_at(memory->bytes() / plan::kAlignment * plan::kAlignment);
}

}  // namespace

std::string weight_key(const ir::Value& value, const plan::PlannedWeight& weight,
                       const WeightReader& reader) {
  return reader.identity(*value.weight) + '\n' + value.type.text() + '\n' + weight.form +
         (weight.resident ? "" : "\nstreamed");
}

Status Holdings::reserve_arena(std::size_t bytes, std::size_t piece_bytes) {
  if (arena_bytes_ >= bytes && piece_bytes_ == piece_bytes) return {};
  release_arena();
  piece_bytes_ = piece_bytes;
  const std::size_t most = piece_bytes == 0 ? bytes : piece_bytes;
  while (arena_bytes_ < bytes) {
    auto piece = allocate_(std::min(most, bytes - arena_bytes_));
    if (!piece.ok()) {
      release_arena();
      return piece.error();
    }
    arena_bytes_ += (*piece)->bytes();
    arena_.push_back(std::move(*piece));
  }
  return {};
}

void Holdings::release_arena() {
  arena_.clear();
  arena_bytes_ = 0;
  arena_user = nullptr;
  ++generation_;
}

std::byte* Holdings::arena(std::size_t offset) const {
  if (arena_.empty()) return nullptr;  // of a network without intermediate results
  if (piece_bytes_ == 0) return arena_[0]->data() + offset;
  return arena_[offset / piece_bytes_]->data() + offset % piece_bytes_;
}

Result<MemoryPtr> Holdings::allocate(std::size_t bytes) {
  OBSCURA_ASSIGN(MemoryPtr memory, allocate_(bytes));
  std::erase_if(allocations_, [](const auto& entry) { return entry.expired(); });
  allocations_.push_back(memory);
  return memory;
}

std::size_t Holdings::weight_bytes() const {
  std::size_t total = 0;
  for (const auto& entry : allocations_) {
    if (auto memory = entry.lock()) total += memory->bytes();
  }
  return total;
}

std::shared_ptr<MemoryPart> Holdings::find(const std::string& key) const {
  auto entry = weights_.find(key);
  return entry == weights_.end() ? nullptr : entry->second.lock();
}

std::vector<MemoryPart> Holdings::gaps() const {
  std::map<MemoryPtr, std::vector<const MemoryPart*>> weights;
  for (const auto& entry : allocations_)
    if (MemoryPtr memory = entry.lock()) weights[std::move(memory)];
  for (const auto& [key, entry] : weights_) {
    const std::shared_ptr<MemoryPart> weight = entry.lock();
    if (weight == nullptr) continue;
    // Others wait in the host's memory.
    if (auto found = weights.find(weight->memory); found != weights.end())
      found->second.push_back(weight.get());
  }
  std::vector<MemoryPart> gaps;
  for (auto& [memory, held] : weights)
    if (!held.empty()) add_gaps(memory, std::move(held), gaps);
  return gaps;
}

void Holdings::remember(std::string key, const std::shared_ptr<MemoryPart>& weight) {
  if (weights_.size() >= most_weights_) {
    std::erase_if(weights_, [](const auto& entry) { return entry.second.expired(); });
    most_weights_ = 2 * weights_.size() + 1024;
  }
  weights_.insert_or_assign(std::move(key), weight);
}

}  // namespace obscura::backend
