#include "backend/find_non_finite.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tensor/dtype.h"

namespace obscura::backend {
namespace {

// What is not finite first, in words; empty if nothing is.
class Search {
 public:
  explicit Search(const NonFiniteSearch& search) : search_(search) {}

  Result<std::string> run() const {
    OBSCURA_TRY(search_.begin());
    OBSCURA_ASSIGN(std::string found, look_at_inputs());
    for (std::size_t n = 0; n < search_.graph.nodes.size() && found.empty(); ++n) {
      OBSCURA_ASSIGN(found, look_at_node(n));
    }
    return found;
  }

 private:
  Result<std::string> look_at_inputs() const {
    for (ir::ValueId id : search_.graph.inputs) {
      OBSCURA_ASSIGN(const bool finite, search_.is_finite(id));
      if (!finite)
        return "its input " + search_.graph.value(id).name + " holds a NaN or an infinity";
    }
    return std::string();
  }

  Result<std::string> look_at_node(std::size_t n) const {
    const ir::Node& node = search_.graph.nodes[n];
    OBSCURA_TRY(search_.run_node(n));
    for (ir::ValueId id : node.outputs) {
      OBSCURA_ASSIGN(const bool finite, search_.is_finite(id));
      if (!finite) return blame(node, search_.graph.type(id).dtype);
    }
    return std::string();
  }

  std::string blame(const ir::Node& node, DType dtype) const {
    for (ir::ValueId id : node.inputs) {
      const auto& weight = search_.graph.value(id).weight;
      if (weight && !is_finite(*weight))
        return "the weight " + weight->text() + " holds a NaN or an infinity";
    }
    return fmt::format("{} at {} produced a NaN or an infinity in {}", node.op->name(), node.scope,
                       name_of(dtype));
  }

  bool is_finite(const ir::WeightSpec& weight) const {
    std::vector<float> plain(static_cast<std::size_t>(weight.shape.elements()));
    return !search_.reader.read(weight, plain.data()).ok() ||
           std::all_of(plain.begin(), plain.end(), [](float x) { return x - x == 0; });
  }

  const NonFiniteSearch& search_;
};

}  // namespace

Error find_non_finite(const NonFiniteSearch& search) {
  Result<std::string> found = Search(search).run();
  if (!found.ok()) return found.error();
  return Error(
      ErrorKind::kNumeric,
      search.graph.name + ": " +
          (found->empty() ? "a NaN or an infinity that did not appear again when looked for"
                          : *found));
}

}  // namespace obscura::backend
