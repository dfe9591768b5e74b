#include "backend/parameter_memory.h"

#include <cstring>

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

}  // namespace

std::byte* ParameterMemory::place(const plan::Plan& plan, ir::ValueId id) const {
  return address(plan.values[index_of(id)].offset);
}

Status ParameterMemory::load(const ir::Graph& graph, const plan::Plan& plan, Lowered& device,
                             Holdings& holdings) {
  if (plan.parameter_bytes == 0) return {};
  OBSCURA_ASSIGN(memory_, holdings.allocate(plan.parameter_bytes));
  for (ir::ValueId id : graph.parameters) {
    std::vector<std::byte> content(graph.type(id).bytes());
    parked_.read(graph.value(id).name, content);
    OBSCURA_TRY(to_device(device, place(plan, id), content));
  }
  parked_.clear();
  return {};
}

void ParameterMemory::park(const ir::Graph& graph, const plan::Plan& plan, Lowered& device) {
  if (memory_ == nullptr) return;
  for (ir::ValueId id : graph.parameters) {
    std::vector<std::byte> content(graph.type(id).bytes());
    Status status = to_host(device, content, place(plan, id));
    if (!status.ok()) log::warn("{}: {}", graph.name, status.error().message());
    parked_.write(graph.value(id).name, content);
  }
}

Status ParameterMemory::write(const ir::Graph& graph, const plan::Plan& plan, Lowered* device,
                              std::string_view name, std::span<const std::byte> bytes) {
  const ir::ValueId id = find_parameter(graph, name, bytes.size());
  if (device != nullptr) return to_device(*device, place(plan, id), bytes);
  parked_.write(name, bytes);
  return {};
}

Status ParameterMemory::read(const ir::Graph& graph, const plan::Plan& plan, Lowered* device,
                             std::string_view name, std::span<std::byte> bytes) {
  const ir::ValueId id = find_parameter(graph, name, bytes.size());
  if (device != nullptr) return to_host(*device, bytes, place(plan, id));
  parked_.read(name, bytes);
  return {};
}

}  // namespace obscura::backend
