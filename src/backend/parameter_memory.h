// The content of a graph's parameters: on the device while the graph is loaded, else in the host's
// memory.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "backend/holdings.h"
#include "backend/lowered.h"
#include "backend/memory.h"
#include "backend/parked_parameters.h"
#include "base/result.h"
#include "ir/graph.h"
#include "plan/plan.h"

namespace obscura::backend {

// Calls take the graph and the plan with which it is, or was, loaded. Not thread safe.
class ParameterMemory {
 public:
  // Gives them a place on the device and their content.
  Status load(const ir::Graph& graph, const plan::Plan& plan, Lowered& device, Holdings& holdings);
  // Brings their content back. REQUIRES: the device has done all that was put.
  void park(const ir::Graph& graph, const plan::Plan& plan, Lowered& device);
  void unload() { memory_ = nullptr; }

  // Of an offset of the plan. REQUIRES: load().
  std::byte* address(std::size_t offset) const { return memory_->data() + offset; }

  // `device` is nullptr while the graph is not loaded.
  Status write(const ir::Graph& graph, const plan::Plan& plan, Lowered* device,
               std::string_view name, std::span<const std::byte> bytes);
  Status read(const ir::Graph& graph, const plan::Plan& plan, Lowered* device,
              std::string_view name, std::span<std::byte> bytes);

 private:
  std::byte* place(const plan::Plan& plan, ir::ValueId id) const;

  MemoryPtr memory_;
  ParkedParameters parked_;
};

}  // namespace obscura::backend
