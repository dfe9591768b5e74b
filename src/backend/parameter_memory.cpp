#include "backend/parameter_memory.h"

#include <cstring>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/log.h"

namespace obscura::backend {
namespace {

Status to_device(Lowered& device, std::byte* target, std::span<const std::byte> bytes) {
  OBSCURA_ASSIGN(MemoryPtr passing, device.allocate_host(bytes.size()));
  std::memcpy(passing->data(), bytes.data(), bytes.size());
  OBSCURA_TRY(device.copy(target, passing->data(), bytes.size(), Lowered::Way::kToDevice));
  return device.wait();
}

Status to_host(Lowered& device, std::span<std::byte> bytes, const std::byte* source) {
  OBSCURA_ASSIGN(MemoryPtr passing, device.allocate_host(bytes.size()));
  OBSCURA_TRY(device.copy(passing->data(), source, bytes.size(), Lowered::Way::kToHost));
  OBSCURA_TRY(device.wait());
  std::memcpy(bytes.data(), passing->data(), bytes.size());
  return {};
}

void check_parameter(const ir::Graph& graph, std::string_view name, std::size_t bytes) {
  const ir::ValueId id = graph.parameter(name);
  OBSCURA_CHECK(id != ir::kNoValue, graph.name + " has no parameter " + std::string(name));
  OBSCURA_CHECK(graph.type(id).bytes() == bytes,
                graph.name + ": parameter " + std::string(name) + " has another size");
}

}  // namespace

Status ParameterMemory::load(const ir::Graph& graph, const plan::Plan& plan, Lowered& device,
                             Holdings& holdings) {
  const ParameterStore::Places shared = store_->places(graph);
  OBSCURA_ASSIGN(ParameterStore::Places places,
                 store_->place(graph, plan.layout.piece_bytes, holdings));
  for (std::size_t i = 0; i < places.size(); ++i) {
    const ir::ValueId id = graph.parameters[i];
    addresses_[plan.values[index_of(id)].offset] = places[i]->data;
    if (shared[i] != nullptr) continue;
    std::vector<std::byte> content(graph.type(id).bytes());
    store_->read_parked(graph.value(id).name, content);
    OBSCURA_TRY(to_device(device, places[i]->data, content));
  }
  places_ = std::move(places);
  for (ir::ValueId id : graph.parameters) store_->forget_parked(graph.value(id).name);
  return {};
}

void ParameterMemory::unload(const ir::Graph& graph, Lowered& device, bool keep) {
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const ir::ValueId id = graph.parameters[i];
    if (!keep || places_[i].use_count() > 1) continue;
    std::vector<std::byte> content(graph.type(id).bytes());
    Status status = to_host(device, content, places_[i]->data);
    if (!status.ok()) log::warn("{}: {}", graph.name, status.error().message());
    store_->park(graph.value(id).name, content);
  }
  places_.clear();
  addresses_.clear();
}

Status ParameterMemory::write(const ir::Graph& graph, Lowered& device, std::string_view name,
                              std::span<const std::byte> bytes) {
  check_parameter(graph, name, bytes.size());
  if (auto placed = store_->find(name)) return to_device(device, placed->data, bytes);
  store_->park(name, bytes);
  return {};
}

Status ParameterMemory::read(const ir::Graph& graph, Lowered& device, std::string_view name,
                             std::span<std::byte> bytes) {
  check_parameter(graph, name, bytes.size());
  if (auto placed = store_->find(name)) return to_host(device, bytes, placed->data);
  store_->read_parked(name, bytes);
  return {};
}

}  // namespace obscura::backend
