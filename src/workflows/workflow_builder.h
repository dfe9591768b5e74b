// Writes workflow documents, in API form: nodes with ids that count up, and links by which their
// inputs take what other nodes give.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace obscura::workflows {

// One of a node's outputs. As the value of an input it is written as a link: ["4", 0].
struct Output {
  std::string id;  // empty: of no node
  int slot = 0;

  Output other(int number) const { return {id, number}; }
};

inline void to_json(nlohmann::ordered_json& json, const Output& output) {
  json = nlohmann::ordered_json::array({output.id, output.slot});
}

class WorkflowBuilder {
 public:
  // Adds a node under the next id; its first output.
  Output add(const char* type, nlohmann::ordered_json inputs, const char* title = nullptr) {
    return add_as(std::to_string(++last_), type, std::move(inputs), title);
  }
  // The same under an id that counting does not come to.
  Output add_as(std::string id, const char* type, nlohmann::ordered_json inputs,
                const char* title = nullptr) {
    nlohmann::ordered_json& node = nodes_[id];
    node = {{"class_type", type}, {"inputs", std::move(inputs)}};
    if (title != nullptr) node["_meta"] = {{"title", title}};
    return {std::move(id), 0};
  }
  nlohmann::ordered_json take() { return std::move(nodes_); }

 private:
  nlohmann::ordered_json nodes_ = nlohmann::ordered_json::object();
  int last_ = 0;
};

}  // namespace obscura::workflows
