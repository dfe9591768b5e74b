#include "graph/workflow.h"

#include <cmath>
#include <utility>

#include "base/check.h"
#include "graph/json_text.h"
#include "graph/suggest.h"

namespace obscura::graph {
namespace {

using nlohmann::ordered_json;

Error not_a_node(const std::string& id, const std::string& why) {
  return Error(ErrorKind::kInvalidInput, "node " + in_quotes(id) + " " + why);
}

const ordered_json* member(const ordered_json& object, const char* key) {
  auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

// _meta.title, or nothing.
std::string title_of(const ordered_json& node) {
  const ordered_json* meta = member(node, "_meta");
  if (!meta || !meta->is_object()) return "";
  const ordered_json* title = member(*meta, "title");
  return title && title->is_string() ? title->get<std::string>() : "";
}

}  // namespace

std::optional<Link> as_link(const ordered_json& value) {
  if (!value.is_array() || value.size() != 2 || !value[0].is_string() || !value[1].is_number()) {
    return std::nullopt;
  }
  const double slot = value[1].get<double>();
  // A slot that no node can have becomes -1, which validation refuses with the link's text.
  const bool whole = slot >= 0 && slot < 1e6 && slot == std::floor(slot);
  return Link{value[0].get<std::string>(), whole ? static_cast<std::int64_t>(slot) : -1};
}

ordered_json to_json(const Link& link) {
  return ordered_json::array({link.node, link.slot});
}

WorkflowForm detect_form(const ordered_json& document) {
  if (!document.is_object()) return WorkflowForm::kUnknown;
  const ordered_json* nodes = member(document, "nodes");
  if (nodes && nodes->is_array()) return WorkflowForm::kEditor;
  const ordered_json* prompt = member(document, "prompt");
  if (prompt && prompt->is_object() && !prompt->contains("class_type"))
    return WorkflowForm::kRequest;
  for (const auto& [id, node] : document.items()) {
    if (node.is_object() && node.contains("class_type")) return WorkflowForm::kApi;
  }
  return WorkflowForm::kUnknown;
}

Result<Workflow> Workflow::from_json(const ordered_json& document) {
  if (!document.is_object()) {
    return Error(
        ErrorKind::kInvalidInput,
        std::string("a workflow is a JSON object of nodes, found ") + document.type_name());
  }
  if (document.size() > kMostNodes) {
    return Error(ErrorKind::kInvalidInput, "the workflow has " + std::to_string(document.size()) +
                                               " nodes; at most " + std::to_string(kMostNodes) +
                                               " are read");
  }
  Workflow workflow;
  for (const auto& [id, body] : document.items()) {
    if (!body.is_object()) {
      return not_a_node(
          id, std::string("is not an object with class_type and inputs, but ") + body.type_name());
    }
    const ordered_json* type = member(body, "class_type");
    if (!type) return not_a_node(id, "has no class_type");
    if (!type->is_string()) {
      return not_a_node(
          id, std::string("has a class_type that is not a string, but ") + type->type_name());
    }
    Node node;
    node.id_ = id;
    node.type_ = type->get<std::string>();
    node.title_ = title_of(body);
    const ordered_json* inputs = member(body, "inputs");
    if (inputs && !inputs->is_object()) {
      return not_a_node(
          id, std::string("has inputs that are not an object, but ") + inputs->type_name());
    }
    if (inputs) node.inputs_ = *inputs;
    node.rest_ = body;
    if (inputs) node.rest_["inputs"] = nullptr;  // keeps its place for to_json()
    workflow.index_.emplace(id, workflow.nodes_.size());
    workflow.nodes_.push_back(std::move(node));
  }
  return workflow;
}

Result<Workflow> Workflow::parse(std::string_view text) {
  OBSCURA_ASSIGN(const ordered_json document, parse_json(text));
  return from_json(document);
}

ordered_json Workflow::to_json() const {
  ordered_json document = ordered_json::object();
  auto& members = document.get_ref<ordered_json::object_t&>();
  for (const Node& node : nodes_) {
    ordered_json body = node.rest_;
    body["inputs"] = node.inputs_;
    members.emplace_back(node.id_, std::move(body));
  }
  return document;
}

const Workflow::Node* Workflow::find(std::string_view id) const {
  auto found = index_.find(std::string(id));
  return found == index_.end() ? nullptr : &nodes_[found->second];
}

Result<const Workflow::Node*> Workflow::resolve(std::string_view name) const {
  if (const Node* node = find(name)) return node;
  std::vector<std::string> names;
  for (bool by_title : {true, false}) {
    std::vector<const Node*> found;
    for (const Node& node : nodes_) {
      const std::string& candidate = by_title ? node.title() : node.type();
      if (candidate == name && !name.empty()) found.push_back(&node);
      if (!candidate.empty()) names.push_back(candidate);
    }
    if (found.size() == 1) return found.front();
    if (found.size() > 1) {
      std::vector<std::string> ids;
      for (const Node* node : found) ids.push_back(node->id());
      return Error(ErrorKind::kInvalidInput, std::to_string(found.size()) + " nodes have the " +
                                                 (by_title ? "title " : "class ") +
                                                 in_quotes(name) +
                                                 "; say which by id: " + list_in_quotes(ids));
    }
  }
  for (const Node& node : nodes_) names.push_back(node.id());
  std::vector<std::string> present;
  for (const Node& node : nodes_) present.push_back(node.id() + " " + node.type());
  const std::string near = suggestion(name, names);
  return Error(ErrorKind::kNotFound,
               "no node has the id, title or class " + in_quotes(name) +
                   (near.empty() ? "; there are " + list_in_quotes(present) : near));
}

void Workflow::set_input(std::string_view id, std::string_view name, ordered_json value) {
  auto found = index_.find(std::string(id));
  OBSCURA_CHECK(found != index_.end(), "set_input() of a node that is not in the workflow");
  nodes_[found->second].inputs_[std::string(name)] = std::move(value);
}

Status Workflow::add(std::string id, std::string type, std::string title, ordered_json inputs) {
  if (nodes_.size() >= kMostNodes) {
    return Error(ErrorKind::kInvalidInput,
                 "the workflow has more than " + std::to_string(kMostNodes) + " nodes");
  }
  if (!index_.emplace(id, nodes_.size()).second) {
    return Error(ErrorKind::kInvalidInput, "two nodes have the id " + in_quotes(id));
  }
  Node node;
  node.rest_ = {{"inputs", nullptr}, {"class_type", type}};
  if (!title.empty()) node.rest_["_meta"] = {{"title", title}};
  node.id_ = std::move(id);
  node.type_ = std::move(type);
  node.title_ = std::move(title);
  node.inputs_ = std::move(inputs);
  nodes_.push_back(std::move(node));
  return {};
}

}  // namespace obscura::graph
