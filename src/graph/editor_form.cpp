#include "graph/editor_form.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "graph/editor_graph.h"
#include "graph/promoted_values.h"
#include "graph/suggest.h"

namespace obscura::graph {
namespace {

using nlohmann::ordered_json;

// Nodes that exist in the browser only.
bool is_note(const EditorNode& node) {
  return node.type == "Note" || node.type == "MarkdownNote";
}
bool is_reroute(const EditorNode& node) {
  return node.type == "Reroute";
}
bool is_primitive(const EditorNode& node) {
  return node.type == "PrimitiveNode";
}

bool runs(const EditorNode& node) {
  return !is_note(node) && !is_reroute(node) && !is_primitive(node) && !node.is_subgraph &&
         node.mode != EditorNode::kMuted && node.mode != EditorNode::kBypassed;
}

bool is_control_value(const ordered_json& value) {
  constexpr std::array<std::string_view, 5> kControls = {"fixed", "increment", "decrement",
                                                         "randomize", "increment-wrap"};
  if (!value.is_string()) return false;
  for (std::string_view control : kControls) {
    if (value.get_ref<const std::string&>() == control) return true;
  }
  return false;
}

bool is_widget(const InputSpec& spec) {
  const std::string& type = spec.type();
  return type == "INT" || type == "FLOAT" || type == "STRING" || type == "BOOLEAN" ||
         type == "COMBO";
}

// The browser adds the control to every INT of these names, declared or not.
bool has_control(const InputSpec& spec) {
  return spec.options().contains("control_after_generate") || spec.name() == "seed" ||
         spec.name() == "noise_seed";
}

bool may_hold(const std::string& type, const ordered_json& value) {
  if (type == "INT" || type == "FLOAT") return value.is_number();
  if (type == "BOOLEAN") return value.is_boolean();
  if (type == "STRING") return value.is_string();
  return !value.is_structured();
}

// A list is a value here, never a link.
ordered_json as_constant(const ordered_json& value) {
  if (!value.is_array()) return value;
  ordered_json wrapped = ordered_json::object();
  wrapped["__value__"] = value;
  return wrapped;
}

class Converter {
 public:
  Converter(const EditorGraph& graph, const NodeRegistry& registry,
            std::vector<std::string>& warnings)
      : graph_(graph), registry_(registry), warnings_(warnings) {}

  Result<Workflow> convert() {
    Workflow workflow;
    for (const EditorNode& node : graph_.nodes) {
      if (!runs(node)) continue;
      ordered_json inputs = ordered_json::object();
      read_widgets(node, inputs);
      for (const EditorInput& input : node.inputs) OBSCURA_TRY(read_link(input, inputs));
      OBSCURA_TRY(workflow.add(node.id, node.type, node.title, std::move(inputs)));
    }
    return workflow;
  }

 private:
  // What a link brings: an output, a primitive's value, or nothing.
  using Source = std::variant<std::monostate, Link, ordered_json>;

  void read_widgets(const EditorNode& node, ordered_json& inputs) {
    const NodeType* type = registry_.find(node.type);
    if (!type) return;
    if (node.widgets && node.widgets->is_object()) {
      for (const InputSpec& spec : type->inputs()) {
        auto found = node.widgets->find(spec.name());
        if (found != node.widgets->end()) inputs[spec.name()] = as_constant(*found);
      }
    } else if (node.widgets && node.widgets->is_array()) {
      read_positional_widgets(node, *type, inputs);
    }
    if (node.given.empty()) return;
    // Lists of shown fields that do not fit their values exist: what cannot be the field's is not.
    for (const InputSpec& spec : type->inputs()) {
      auto given = node.given.find(spec.name());
      if (given != node.given.end() && may_hold(spec.type(), *given->second)) {
        inputs[spec.name()] = *given->second;
      }
    }
  }

  void read_positional_widgets(const EditorNode& node, const NodeType& type, ordered_json& inputs) {
    const ordered_json& values = *node.widgets;
    std::size_t next = 0;
    std::size_t wanted = 0;
    bool uploads = false;
    for (bool required : {true, false}) {
      for (const InputSpec& spec : type.inputs()) {
        if (spec.required() != required || !is_widget(spec)) continue;
        ++wanted;
        uploads = uploads || spec.options().contains("image_upload");
        if (next < values.size()) inputs[spec.name()] = as_constant(values[next++]);
        const bool control = spec.type() == "INT" || spec.type() == "COMBO";
        if (control && has_control(spec) && next < values.size() && is_control_value(values[next]))
          ++next;
      }
      // The upload button stands after the required widgets.
      if (required && uploads && next < values.size() && values[next] == "image") ++next;
    }
    if (next != values.size()) {
      const NodeRef ref{node.id, node.type, node.title};
      warnings_.push_back(ref.describe() + ": the file has " + std::to_string(values.size()) +
                          " widget values, the declaration has " + std::to_string(wanted) +
                          " widgets");
    }
  }

  Status read_link(const EditorInput& input, ordered_json& inputs) {
    if (input.link.empty() || input.name.empty()) return {};
    const Source source = follow(input.link, input.type);
    // A socket whose source is muted stays empty; a widget keeps its own value.
    if (const auto* link = std::get_if<Link>(&source)) inputs[input.name] = to_json(*link);
    if (const auto* value = std::get_if<ordered_json>(&source)) {
      if (value->is_string()) work_ += value->get_ref<const std::string&>().size();
      inputs[input.name] = *value;
    }
    if (work_ <= kMostWork) return {};
    return Error(ErrorKind::kInvalidInput,
                 "the editor's workflow has too long chains of reroutes or too large values");
  }

  // Goes back over everything that does not run.
  Source follow(std::string link_key, const std::string& type) {
    // Each step leads to another node, unless reroutes form a ring.
    for (std::size_t steps = 0; steps <= graph_.links.size(); ++steps) {
      ++work_;
      const auto found = graph_.links.find(link_key);
      if (found == graph_.links.end()) return {};
      const EditorLink& link = found->second;
      const EditorNode* node = graph_.find(link.node);
      if (!node || link.slot < 0) return {};
      const auto slot = static_cast<std::size_t>(link.slot);
      if (link.from_subgraph_input) {
        if (slot >= node->inputs.size()) return {};
        if (node->inputs[slot].link.empty()) return promoted_value(*node, slot);
        link_key = node->inputs[slot].link;
      } else if (node->mode == EditorNode::kMuted || is_note(*node)) {
        return {};
      } else if (is_primitive(*node)) {
        return node->given.empty() ? scalar_at(*node, 0) : *node->given.begin()->second;
      } else if (is_reroute(*node)) {
        if (node->inputs.empty()) return {};
        link_key = node->inputs.front().link;
      } else if (node->mode == EditorNode::kBypassed) {
        link_key = bypass(*node, slot, type);
      } else if (node->is_subgraph) {
        if (slot >= node->subgraph_outputs.size()) return {};
        link_key = node->subgraph_outputs[slot];
      } else {
        return Link{node->id, link.slot};
      }
    }
    return {};
  }

  static Source scalar_at(const EditorNode& node, std::size_t position) {
    if (!node.widgets || !node.widgets->is_array() || position >= node.widgets->size()) return {};
    const ordered_json& value = (*node.widgets)[position];
    if (value.is_null() || value.is_structured()) return {};
    return value;
  }

  // A subgraph's node keeps the values of its own widgets, one for each input that has one; where
  // there are more values, a seed's control may follow it.
  static Source promoted_value(const EditorNode& node, std::size_t slot) {
    if (!node.inputs[slot].is_widget || !node.widgets || !node.widgets->is_array()) return {};
    const auto given = node.given.find(node.inputs[slot].name);
    if (given != node.given.end() && may_hold(node.inputs[slot].type, *given->second)) {
      return *given->second;
    }
    const auto widgets = static_cast<std::size_t>(
        std::count_if(node.inputs.begin(), node.inputs.end(),
                      [](const EditorInput& input) { return input.is_widget; }));
    const bool controls = node.widgets->size() > widgets;
    std::size_t position = 0;
    for (std::size_t i = 0; i < slot; ++i) {
      if (!node.inputs[i].is_widget) continue;
      ++position;
      const bool numbered = node.inputs[i].type == "INT" || node.inputs[i].type == "COMBO";
      if (controls && numbered && position < node.widgets->size() &&
          is_control_value((*node.widgets)[position])) {
        ++position;
      }
    }
    return scalar_at(node, position);
  }

  // The link that takes the place of a bypassed node's output; empty if it has no input of that
  // type.
  static std::string bypass(const EditorNode& node, std::size_t slot, const std::string& type) {
    const std::string& wanted = slot < node.output_types.size() && node.output_types[slot] != "*"
                                    ? node.output_types[slot]
                                    : type;
    if (slot < node.inputs.size() && node.inputs[slot].type == wanted)
      return node.inputs[slot].link;
    for (const EditorInput& input : node.inputs) {
      if (input.type == wanted) return input.link;
    }
    return "";
  }

  const EditorGraph& graph_;
  const NodeRegistry& registry_;
  std::vector<std::string>& warnings_;
  // Links followed and bytes copied: what a small hostile file can make large.
  static constexpr std::size_t kMostWork = std::size_t{32} << 20;
  std::size_t work_ = 0;
};

}  // namespace

Result<Workflow> from_editor_form(const ordered_json& document, const NodeRegistry& registry,
                                  std::vector<std::string>& warnings) {
  OBSCURA_ASSIGN(EditorGraph graph, read_editor_graph(document));
  OBSCURA_TRY(give_promoted_values(graph));
  return Converter(graph, registry, warnings).convert();
}

}  // namespace obscura::graph
