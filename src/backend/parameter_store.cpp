#include "backend/parameter_store.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "plan/plan.h"

namespace obscura::backend {

std::shared_ptr<MemoryPart> ParameterStore::find(std::string_view name) const {
  auto found = placed_.find(name);
  return found == placed_.end() ? nullptr : found->second.lock();
}

ParameterStore::Places ParameterStore::places(const ir::Graph& graph) const {
  Places places;
  for (ir::ValueId id : graph.parameters) places.push_back(find(graph.value(id).name));
  return places;
}

std::size_t ParameterStore::missing_bytes(const ir::Graph& graph) const {
  std::size_t bytes = 0;
  for (ir::ValueId id : graph.parameters)
    if (find(graph.value(id).name) == nullptr) bytes += plan::aligned(graph.type(id).bytes());
  return bytes;
}

Result<ParameterStore::Places> ParameterStore::place(const ir::Graph& graph,
                                                     std::size_t piece_bytes, Holdings& holdings) {
  Places places = ParameterStore::places(graph);
  std::vector<std::size_t> missing, sizes;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::size_t bytes = plan::aligned(graph.type(graph.parameters[i]).bytes());
    OBSCURA_CHECK(places[i] == nullptr || places[i]->bytes == bytes,
                  graph.name + ": parameter " + graph.value(graph.parameters[i]).name +
                      " has another size elsewhere");
    if (places[i] != nullptr) continue;
    missing.push_back(i);
    sizes.push_back(bytes);
  }
  OBSCURA_ASSIGN(const Places placed, allocate_parts(sizes, piece_bytes, [&](std::size_t bytes) {
                   return holdings.allocate(bytes);
                 }));
  for (std::size_t i = 0; i < missing.size(); ++i) {
    places[missing[i]] = placed[i];
    placed_.insert_or_assign(graph.value(graph.parameters[missing[i]]).name, placed[i]);
  }
  return places;
}

void ParameterStore::park(std::string_view name, std::span<const std::byte> bytes) {
  parked_.insert_or_assign(std::string(name), std::vector<std::byte>(bytes.begin(), bytes.end()));
}

void ParameterStore::read_parked(std::string_view name, std::span<std::byte> bytes) const {
  auto found = parked_.find(name);
  if (found == parked_.end()) {
    std::fill(bytes.begin(), bytes.end(), std::byte{0});
    return;
  }
  OBSCURA_CHECK(found->second.size() == bytes.size(),
                "parameter " + found->first + " has another size elsewhere");
  std::copy(found->second.begin(), found->second.end(), bytes.begin());
}

void ParameterStore::forget_parked(std::string_view name) {
  if (auto found = parked_.find(name); found != parked_.end()) parked_.erase(found);
}

}  // namespace obscura::backend
