// The names and shapes in a file, for telling what kind of file it is.
#pragma once

#include <map>
#include <span>
#include <string_view>

#include "io/safetensors.h"

namespace obscura::checkpoint {

// Borrows the entries. Const use is thread safe.
class TensorNames {
 public:
  explicit TensorNames(std::span<const io::TensorEntry> entries);

  std::span<const io::TensorEntry> entries() const { return entries_; }
  const io::TensorEntry* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  bool has_prefix(std::string_view prefix) const;
  // The first entry, in the order of names, whose name contains `part`; nullptr if none does.
  const io::TensorEntry* find_containing(std::string_view part) const;

 private:
  std::span<const io::TensorEntry> entries_;
  std::map<std::string_view, const io::TensorEntry*> by_name_;
};

}  // namespace obscura::checkpoint
