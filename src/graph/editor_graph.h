// ComfyUI's editor document as plain records: nodes of all nested subgraphs in one list, links
// resolved to where they come from. Knows the document's shape only; what a node's widgets mean is
// editor_form.h's business.
//
// A node inside a subgraph has the id of the subgraph's node, a colon and its own ("12:5"), as
// ComfyUI writes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace obscura::graph {

struct EditorInput {
  std::string name;
  std::string type;
  std::string link;  // key into EditorGraph::links; empty: not linked
  bool is_widget = false;
};

// A field inside a subgraph that is shown on the subgraph's own node: [node, field] of the property
// proxyWidgets, with the node that the field belongs to where subgraphs nest.
struct PromotedField {
  std::string node;
  std::string field;
  std::string owner;  // empty: not said
};

struct EditorNode {
  static constexpr int kMuted = 2;
  static constexpr int kBypassed = 4;

  std::string id;
  std::string type;
  std::string title;
  int mode = 0;
  std::vector<EditorInput> inputs;
  std::vector<std::string> output_types;
  const nlohmann::ordered_json* widgets = nullptr;  // array or object; null: none
  // Of a subgraph's node: the keys of the links that end at its outputs, by slot.
  bool is_subgraph = false;
  std::vector<std::string> subgraph_outputs;
  std::vector<PromotedField> promoted;
  // Values that the node of a subgraph around this one keeps for fields of this one, by the fields'
  // names: they go before the node's own.
  std::map<std::string, const nlohmann::ordered_json*> given;
};

// Where a link starts: an output of a node, or, inside a subgraph, an input of the node that stands
// for it.
struct EditorLink {
  std::string node;
  std::int64_t slot = 0;
  bool from_subgraph_input = false;
};

struct EditorGraph {
  std::vector<EditorNode> nodes;
  std::unordered_map<std::string, EditorLink> links;
  std::unordered_map<std::string, std::size_t> index;  // node id → position

  const EditorNode* find(const std::string& id) const;
};

// kInvalidInput names the node or link that is not as it should be. The result points into
// `document`.
Result<EditorGraph> read_editor_graph(const nlohmann::ordered_json& document);

}  // namespace obscura::graph
