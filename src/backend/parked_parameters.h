// The content of an Executable's parameters in the host's memory, while it is not loaded.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"

namespace obscura::backend {

// By the parameters' names; one that nobody wrote holds zeros and takes no memory. Not thread safe.
class ParkedParameters {
 public:
  void write(std::string_view name, std::span<const std::byte> bytes);
  void read(std::string_view name, std::span<std::byte> bytes) const;
  void clear() { contents_.clear(); }

 private:
  std::map<std::string, std::vector<std::byte>, std::less<>> contents_;
};

// The parameter of that name. REQUIRES: there is one, of so many bytes.
ir::ValueId find_parameter(const ir::Graph& graph, std::string_view name, std::size_t bytes);

}  // namespace obscura::backend
