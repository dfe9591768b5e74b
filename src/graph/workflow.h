// A workflow document in ComfyUI's API form:
//
//   {"4": {"class_type": "KSampler", "inputs": {"steps": 20, "model": ["1", 0]}, "_meta": {"title":
//   "Refine"}}, ...}
//
// An array of a string and a number is a link to an output (node id, slot); a list that is meant as
// a value travels as {"__value__": [...]}. What the engine does not know is kept, and written back
// in the order given.
//
// Thread safety: a plain value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace obscura::graph {

// One output of a node, as an input refers to it.
struct Link {
  std::string node;
  std::int64_t slot = 0;
};

// The link that `value` spells, if it is one.
std::optional<Link> as_link(const nlohmann::ordered_json& value);
nlohmann::ordered_json to_json(const Link& link);

// What kind of document a JSON is, by its shape.
enum class WorkflowForm {
  kApi,      // an object of nodes, each with class_type
  kEditor,   // ComfyUI's editor: {"nodes": [...], "links": [...]}
  kRequest,  // the body of POST /prompt: {"prompt": <API form>, "extra_data": ...}
  kUnknown,
};
WorkflowForm detect_form(const nlohmann::ordered_json& document);

class Workflow {
 public:
  static constexpr std::size_t kMostNodes = 5000;

  class Node {
   public:
    const std::string& id() const { return id_; }
    const std::string& type() const { return type_; }
    // _meta.title; empty if there is none.
    const std::string& title() const { return title_; }
    // The object of inputs as written: constants, links, {"__value__": ...}.
    const nlohmann::ordered_json& inputs() const { return inputs_; }

   private:
    friend class Workflow;
    std::string id_;
    std::string type_;
    std::string title_;
    nlohmann::ordered_json inputs_ = nlohmann::ordered_json::object();
    // Every key but "inputs".
    nlohmann::ordered_json rest_;
  };

  Workflow() = default;
  // kInvalidInput if it is not of the API form; names the node that is not.
  static Result<Workflow> from_json(const nlohmann::ordered_json& document);
  // parse_json, then from_json. Other forms than the API form: see workflow_file.h.
  static Result<Workflow> parse(std::string_view text);

  nlohmann::ordered_json to_json() const;

  const std::vector<Node>& nodes() const { return nodes_; }
  // Null if there is none.
  const Node* find(std::string_view id) const;

  // The node that `name` stands for: an id, or a title or a class name that only one node has. The
  // error names what there is.
  Result<const Node*> resolve(std::string_view name) const;

  // REQUIRES: find(id).
  void set_input(std::string_view id, std::string_view name, nlohmann::ordered_json value);
  // kInvalidInput if the id is taken or there are too many nodes.
  Status add(std::string id, std::string type, std::string title, nlohmann::ordered_json inputs);

 private:
  std::vector<Node> nodes_;
  std::unordered_map<std::string, std::size_t> index_;
};

}  // namespace obscura::graph
