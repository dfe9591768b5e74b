#include "graph/promoted_values.h"

#include "base/trim.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace obscura::graph {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kFieldBlanks = " \t\n\v\f\r";
constexpr const char* kSubgraphItself = "-1";
constexpr std::size_t kMostWork = std::size_t{32} << 20;

class Giver {
 public:
  explicit Giver(EditorGraph& graph) : graph_(graph) {}

  Status give_all() {
    // Nodes come after those around them: going back, the outermost has the last word.
    for (std::size_t i = graph_.nodes.size(); i-- > 0;) {
      const EditorNode& outer = graph_.nodes[i];
      if (outer.promoted.empty() || !outer.widgets || !outer.widgets->is_array()) continue;
      const std::size_t count = std::min(outer.promoted.size(), outer.widgets->size());
      for (std::size_t place = 0; place < count; ++place) {
        const ordered_json& value = (*outer.widgets)[place];
        if (!value.is_null()) give(outer.id, outer.promoted[place], value);
        if (work_ > kMostWork) {
          return Error(ErrorKind::kInvalidInput,
                       "the editor's workflow has too many fields shown on subgraphs' nodes");
        }
      }
    }
    return {};
  }

 private:
  EditorNode* find(const std::string& id) {
    auto found = graph_.index.find(id);
    return found == graph_.index.end() ? nullptr : &graph_.nodes[found->second];
  }

  // Each call goes one subgraph further in, so that there are no more of them than subgraphs nest.
  void give(const std::string& outer_id, const PromotedField& field, const ordered_json& value) {
    EditorNode* outer = find(outer_id);
    if (field.node == kSubgraphItself) {
      outer->given[field.field] = &value;
      return;
    }
    EditorNode* inner = find(outer_id + ":" + field.node);
    if (!inner) return;
    work_ += 1 + inner->inputs.size();
    const auto input = std::find_if(inner->inputs.begin(), inner->inputs.end(),
                                    [&](const EditorInput& at) { return at.name == field.field; });
    if (input != inner->inputs.end()) {
      const std::string* name = fed_by(*input, *outer);
      (name ? outer->given[*name] : inner->given[field.field]) = &value;
    } else if (inner->is_subgraph) {
      give_further_in(*inner, field, value);
    } else {
      inner->given[field.field] = &value;
    }
  }

  // The input of `outer` that a link into a node inside comes from; null if it does not.
  const std::string* fed_by(const EditorInput& input, const EditorNode& outer) const {
    const auto link = graph_.links.find(input.link);
    if (link == graph_.links.end() || !link->second.from_subgraph_input) return nullptr;
    if (link->second.node != outer.id) return nullptr;
    const auto slot = static_cast<std::size_t>(link->second.slot);
    return link->second.slot >= 0 && slot < outer.inputs.size() ? &outer.inputs[slot].name
                                                                : nullptr;
  }

  // What a subgraph's node itself shows of a field further in, named as "5: seed" or as "seed".
  void give_further_in(const EditorNode& outer, const PromotedField& field,
                       const ordered_json& value) {
    const std::size_t colon = field.field.find(':');
    if (colon != std::string::npos) {
      give(
          outer.id,
          {std::string(trimmed(std::string_view(field.field).substr(0, colon), kFieldBlanks)),
           std::string(trimmed(std::string_view(field.field).substr(colon + 1), kFieldBlanks)), ""},
          value);
      return;
    }
    work_ += outer.promoted.size();
    for (const PromotedField& shown : outer.promoted) {
      const bool same = shown.field == field.field;
      if (!same || (!field.owner.empty() && shown.node != field.owner)) continue;
      give(outer.id, shown, value);
      return;
    }
  }

  EditorGraph& graph_;
  std::size_t work_ = 0;
};

}  // namespace

Status give_promoted_values(EditorGraph& graph) {
  return Giver(graph).give_all();
}

}  // namespace obscura::graph
