#include "backend/bindings.h"

#include <algorithm>
#include <string>

#include "base/check.h"

namespace obscura::backend {
namespace {

template <class Bindings>
auto& find_binding(const Bindings& bindings, const std::string& graph, const std::string& name,
                   std::size_t bytes) {
  auto binding =
      std::find_if(bindings.begin(), bindings.end(), [&](const auto& b) { return b.name == name; });
  OBSCURA_CHECK(binding != bindings.end(), graph + ": " + name + " is not bound");
  OBSCURA_CHECK(binding->bytes.size() == bytes, graph + ": " + name + " has another size");
  return *binding;
}

}  // namespace

std::vector<BoundInput> bind_inputs(const ir::Graph& graph, std::span<const InputBinding> inputs) {
  std::vector<BoundInput> bound;
  for (ir::ValueId id : graph.inputs) {
    const ir::Value& value = graph.value(id);
    const auto& binding = find_binding(inputs, graph.name, value.name, value.type.bytes());
    bound.push_back({binding.bytes.data(), binding.on_device});
  }
  return bound;
}

std::vector<BoundOutput> bind_outputs(const ir::Graph& graph,
                                      std::span<const OutputBinding> outputs) {
  std::vector<BoundOutput> bound;
  for (const ir::Output& output : graph.outputs) {
    const std::size_t bytes = graph.type(output.value).bytes();
    const auto& binding = find_binding(outputs, graph.name, output.name, bytes);
    bound.push_back({binding.bytes.data(), binding.on_device});
  }
  return bound;
}

}  // namespace obscura::backend
