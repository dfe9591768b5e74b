// The content of parameters, bound by name: those of one Executable, or of several that share them,
// as the forward and the backward half of a training step do, or one network at several sizes.
//
// A parameter lies on the device for as long as one of them is loaded, else in the host's memory.
// It is all zeros until something is written, and gone with the last who holds the store. Of one
// device; not thread safe.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backend/holdings.h"
#include "backend/memory_part.h"
#include "base/result.h"
#include "ir/graph.h"

namespace obscura::backend {

class ParameterStore {
 public:
  // Parallel to the graph's parameters: those that lie on the device, else nullptr.
  using Places = std::vector<std::shared_ptr<MemoryPart>>;
  Places places(const ir::Graph& graph) const;
  // The same once each has a place: new ones have any content, and lie in allocations of
  // `piece_bytes` (0: all in one). REQUIRES: a name stands for as many bytes in all graphs.
  Result<Places> place(const ir::Graph& graph, std::size_t piece_bytes, Holdings& holdings);
  // Bytes of those that have no place yet.
  std::size_t missing_bytes(const ir::Graph& graph) const;
  // nullptr if it is not on the device.
  std::shared_ptr<MemoryPart> find(std::string_view name) const;

  // The content in the host's memory, for parameters that are not on the device.
  void park(std::string_view name, std::span<const std::byte> bytes);
  void read_parked(std::string_view name, std::span<std::byte> bytes) const;
  void forget_parked(std::string_view name);

 private:
  std::map<std::string, std::weak_ptr<MemoryPart>, std::less<>> placed_;
  std::map<std::string, std::vector<std::byte>, std::less<>> parked_;
};

}  // namespace obscura::backend
