// A graph's parameters on their way between the host and a device, by the names under which a
// ParameterStore keeps them.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "backend/holdings.h"
#include "backend/lowered.h"
#include "backend/parameter_store.h"
#include "base/result.h"
#include "ir/graph.h"
#include "plan/plan.h"

namespace obscura::backend {

// Not thread safe.
class ParameterMemory {
 public:
  // REQUIRES: not loaded.
  void bind(std::shared_ptr<ParameterStore> store) { store_ = std::move(store); }
  const ParameterStore& store() const { return *store_; }

  // Gives them places on the device, and those that had none their content.
  Status load(const ir::Graph& graph, const plan::Plan& plan, Lowered& device, Holdings& holdings);
  // Lets go of the places. What nobody else holds then is brought back to the host if `keep`.
  // REQUIRES: the device has done all that was put.
  void unload(const ir::Graph& graph, Lowered& device, bool keep);

  const ParameterStore::Places& places() const { return places_; }
  // Of an offset of the plan. REQUIRES: loaded.
  std::byte* address(std::size_t offset) const { return addresses_.at(offset); }

  // A bug if the graph has no such parameter of so many bytes.
  Status write(const ir::Graph& graph, Lowered& device, std::string_view name,
               std::span<const std::byte> bytes);
  Status read(const ir::Graph& graph, Lowered& device, std::string_view name,
              std::span<std::byte> bytes);

 private:
  std::shared_ptr<ParameterStore> store_ = std::make_shared<ParameterStore>();
  ParameterStore::Places places_;  // parallel to the graph's parameters; none while not loaded
  std::map<std::size_t, std::byte*> addresses_;  // by the plan's offsets
};

}  // namespace obscura::backend
