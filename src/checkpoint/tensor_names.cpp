#include "checkpoint/tensor_names.h"

namespace obscura::checkpoint {

TensorNames::TensorNames(std::span<const io::TensorEntry> entries) : entries_(entries) {
  for (const io::TensorEntry& entry : entries) by_name_.emplace(entry.name, &entry);
}

const io::TensorEntry* TensorNames::find(std::string_view name) const {
  auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

bool TensorNames::has_prefix(std::string_view prefix) const {
  auto first = by_name_.lower_bound(prefix);
  return first != by_name_.end() && first->first.starts_with(prefix);
}

const io::TensorEntry* TensorNames::find_containing(std::string_view part) const {
  for (const auto& [name, entry] : by_name_) {
    if (name.find(part) != std::string_view::npos) return entry;
  }
  return nullptr;
}

}  // namespace obscura::checkpoint
