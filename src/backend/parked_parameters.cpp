#include "backend/parked_parameters.h"

#include <algorithm>

#include "base/check.h"

namespace obscura::backend {

void ParkedParameters::write(std::string_view name, std::span<const std::byte> bytes) {
  contents_.insert_or_assign(std::string(name), std::vector<std::byte>(bytes.begin(), bytes.end()));
}

void ParkedParameters::read(std::string_view name, std::span<std::byte> bytes) const {
  auto found = contents_.find(name);
  if (found == contents_.end()) {
    std::fill(bytes.begin(), bytes.end(), std::byte{0});
  } else {
    std::copy(found->second.begin(), found->second.end(), bytes.begin());
  }
}

ir::ValueId find_parameter(const ir::Graph& graph, std::string_view name, std::size_t bytes) {
  const ir::ValueId id = graph.parameter(name);
  OBSCURA_CHECK(id != ir::kNoValue, graph.name + " has no parameter " + std::string(name));
  OBSCURA_CHECK(graph.type(id).bytes() == bytes,
                graph.name + ": parameter " + std::string(name) + " has another size");
  return id;
}

}  // namespace obscura::backend
