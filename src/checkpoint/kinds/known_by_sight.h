// Kinds that are named and sent to their folder, and not run.
#pragma once

#include <optional>

#include "checkpoint/layout.h"
#include "checkpoint/network_kind.h"
#include "checkpoint/tensor_names.h"

namespace obscura::checkpoint {

// All of the file as a network of `kind`, if `is_one`.
inline std::optional<Component> whole_file(const NetworkKind& kind, const TensorNames& names,
                                           bool is_one) {
  if (!is_one) return std::nullopt;
  return Component(kind, "", names.entries());
}

}  // namespace obscura::checkpoint
