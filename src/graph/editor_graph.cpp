#include "graph/editor_graph.h"

#include <utility>

#include "graph/suggest.h"
#include "graph/workflow.h"

namespace obscura::graph {
namespace {

using nlohmann::ordered_json;

// The ids by which links inside a subgraph name its own inputs and outputs.
constexpr const char* kSubgraphInputs = "-10";
constexpr const char* kSubgraphOutputs = "-20";
constexpr int kDeepest = 16;
constexpr std::size_t kMostExpandedBytes = std::size_t{32} << 20;

const ordered_json* member_of(const ordered_json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::string text_member(const ordered_json& object, const char* key) {
  const ordered_json* value = member_of(object, key);
  return value && value->is_string() ? value->get<std::string>() : "";
}

// Ids are numbers in most files and strings in some. Empty: neither.
std::string id_text(const ordered_json* value) {
  if (value && value->is_string()) return value->get<std::string>();
  if (value && value->is_number_integer()) return value->dump();
  return "";
}

std::int64_t slot_number(const ordered_json* value) {
  if (!value || !value->is_number_integer()) return -1;
  const auto slot = value->get<std::int64_t>();
  return slot >= 0 && slot < 100'000 ? slot : -1;
}

// [node, field] or [node, field, owner] of each; others count as none, so that those after them
// keep their places.
std::vector<PromotedField> promoted_fields(const ordered_json& node) {
  const ordered_json* properties = member_of(node, "properties");
  const ordered_json* list = properties ? member_of(*properties, "proxyWidgets") : nullptr;
  std::vector<PromotedField> fields;
  if (!list || !list->is_array()) return fields;
  for (const ordered_json& entry : *list) {
    PromotedField& field = fields.emplace_back();
    if (!entry.is_array() || entry.size() < 2 || !entry[1].is_string()) continue;
    field.node = id_text(&entry[0]);
    field.field = entry[1].get<std::string>();
    if (entry.size() > 2) field.owner = id_text(&entry[2]);
  }
  return fields;
}

Error broken(const std::string& what) {
  return Error(ErrorKind::kInvalidInput, "the editor's workflow " + what);
}

class Reader {
 public:
  explicit Reader(const ordered_json& document) : document_(document) {}

  Result<EditorGraph> read() {
    index_subgraphs();
    OBSCURA_TRY(read_level(document_, "", nullptr, 0));
    return std::move(graph_);
  }

 private:
  struct Subgraph {
    const ordered_json* body;
    std::size_t text_size;
  };

  void index_subgraphs() {
    const ordered_json* definitions = member_of(document_, "definitions");
    const ordered_json* subgraphs = definitions ? member_of(*definitions, "subgraphs") : nullptr;
    if (!subgraphs || !subgraphs->is_array()) return;
    for (const ordered_json& subgraph : *subgraphs) {
      const std::string id = id_text(member_of(subgraph, "id"));
      if (!id.empty()) subgraphs_.emplace(id, Subgraph{&subgraph, subgraph.dump().size()});
    }
  }

  // One document or subgraph; `owner` is the position of the node that stands for it.
  Status read_level(const ordered_json& level, const std::string& prefix, const std::size_t* owner,
                    int depth) {
    if (depth > kDeepest) {
      return broken("nests subgraphs more than " + std::to_string(kDeepest) + " deep");
    }
    const ordered_json* links = member_of(level, "links");
    if (links && links->is_array()) {
      for (const ordered_json& link : *links) OBSCURA_TRY(read_link(link, prefix, owner));
    }
    const ordered_json* nodes = member_of(level, "nodes");
    if (!nodes || !nodes->is_array()) return {};
    for (const ordered_json& node : *nodes) OBSCURA_TRY(read_node(node, prefix, depth));
    return {};
  }

  // [id, from node, from slot, to node, to slot, type], or an object with the same.
  Status read_link(const ordered_json& link, const std::string& prefix, const std::size_t* owner) {
    const auto field = [&](std::size_t position, const char* name) -> const ordered_json* {
      if (link.is_array()) return position < link.size() ? &link[position] : nullptr;
      return member_of(link, name);
    };
    const std::string id = id_text(field(0, "id"));
    const std::string from = id_text(field(1, "origin_id"));
    const std::string to = id_text(field(3, "target_id"));
    if (id.empty() || from.empty()) {
      // Editors leave null in the place of a deleted link.
      if (link.is_null()) return {};
      return broken("has a link without id or origin: " + printable(link.dump(), 60));
    }
    const std::string key = prefix + id;
    EditorLink record{prefix + from, slot_number(field(2, "origin_slot")), false};
    if (owner && from == kSubgraphInputs) {
      record.node = graph_.nodes[*owner].id;
      record.from_subgraph_input = true;
    }
    if (owner && to == kSubgraphOutputs) {
      const std::int64_t slot = slot_number(field(4, "target_slot"));
      if (slot >= 0) {
        auto& outputs = graph_.nodes[*owner].subgraph_outputs;
        if (outputs.size() <= static_cast<std::size_t>(slot))
          outputs.resize(static_cast<std::size_t>(slot) + 1);
        outputs[static_cast<std::size_t>(slot)] = key;
      }
    }
    if (!graph_.links.emplace(key, std::move(record)).second)
      return broken("has two links " + in_quotes(key));
    return {};
  }

  Status read_node(const ordered_json& body, const std::string& prefix, int depth) {
    const std::string own_id = id_text(member_of(body, "id"));
    if (own_id.empty()) return broken("has a node without an id");
    EditorNode node;
    node.id = prefix + own_id;
    node.type = text_member(body, "type");
    if (node.type.empty()) return broken("has no type for node " + in_quotes(node.id));
    node.title = text_member(body, "title");
    const ordered_json* mode = member_of(body, "mode");
    // Numbers that are no mode count as 0, "always".
    if (mode && mode->is_number_integer())
      node.mode = static_cast<int>(mode->get<std::int64_t>() & 0xff);
    node.widgets = member_of(body, "widgets_values");
    read_sockets(body, prefix, node);

    const auto subgraph = subgraphs_.find(node.type);
    node.is_subgraph = subgraph != subgraphs_.end();
    if (node.is_subgraph) node.promoted = promoted_fields(body);
    const std::size_t position = graph_.nodes.size();
    if (position >= Workflow::kMostNodes) {
      return broken("has more than " + std::to_string(Workflow::kMostNodes) + " nodes");
    }
    if (!graph_.index.emplace(node.id, position).second)
      return broken("has two nodes " + in_quotes(node.id));
    const std::string id = node.id;
    const bool active = node.mode != EditorNode::kMuted && node.mode != EditorNode::kBypassed;
    graph_.nodes.push_back(std::move(node));
    if (subgraph == subgraphs_.end() || !active) return {};
    // A small file may ask for a huge workflow: subgraphs of subgraphs of …
    expanded_ += subgraph->second.text_size;
    if (expanded_ > kMostExpandedBytes)
      return broken("is too large once its subgraphs are expanded");
    return read_level(*subgraph->second.body, id + ":", &position, depth + 1);
  }

  static void read_sockets(const ordered_json& body, const std::string& prefix, EditorNode& node) {
    const ordered_json* inputs = member_of(body, "inputs");
    if (inputs && inputs->is_array()) {
      for (const ordered_json& input : *inputs) {
        const std::string link = id_text(member_of(input, "link"));
        const ordered_json* widget = member_of(input, "widget");
        node.inputs.push_back({text_member(input, "name"), text_member(input, "type"),
                               link.empty() ? "" : prefix + link, widget && widget->is_object()});
      }
    }
    const ordered_json* outputs = member_of(body, "outputs");
    if (outputs && outputs->is_array()) {
      for (const ordered_json& output : *outputs)
        node.output_types.push_back(text_member(output, "type"));
    }
  }

  const ordered_json& document_;
  std::unordered_map<std::string, Subgraph> subgraphs_;
  std::size_t expanded_ = 0;
  EditorGraph graph_;
};

}  // namespace

const EditorNode* EditorGraph::find(const std::string& id) const {
  auto found = index.find(id);
  return found == index.end() ? nullptr : &nodes[found->second];
}

Result<EditorGraph> read_editor_graph(const ordered_json& document) {
  return Reader(document).read();
}

}  // namespace obscura::graph
