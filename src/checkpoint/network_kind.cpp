#include "checkpoint/network_kind.h"

#include <algorithm>

namespace obscura::checkpoint {
namespace {

std::vector<const NetworkKind*>& registered_kinds() {
  static std::vector<const NetworkKind*> kinds;
  return kinds;
}

}  // namespace

std::span<const NetworkKind* const> network_kinds() {
  return registered_kinds();
}

RegisterKind::RegisterKind(const NetworkKind& kind) {
  auto& kinds = registered_kinds();
  auto after = [](const NetworkKind* a, const NetworkKind* b) { return a->order < b->order; };
  kinds.insert(std::upper_bound(kinds.begin(), kinds.end(), &kind, after), &kind);
}

}  // namespace obscura::checkpoint
