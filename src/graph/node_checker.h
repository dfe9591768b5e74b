// The checks of validation that concern one node: its inputs against its declaration, then its own
// hook.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "graph/environment.h"
#include "graph/validate.h"
#include "graph/workflow.h"

namespace obscura::graph {

// What is known about one node of a document while the document is validated.
struct CheckedNode {
  enum class State { kUnseen, kOpen, kDone };
  const Workflow::Node* node = nullptr;
  const NodeType* type = nullptr;  // null: unknown class
  NodeRef ref;
  State state = State::kUnseen;
  bool sound = true;                  // it and all that it needs
  std::vector<ResolvedInput> inputs;  // sources are indices into the document's nodes
  std::vector<std::size_t> sources;   // distinct, in the order of declared inputs
  std::vector<Issue> issues;
};

using NodeIndex = std::unordered_map<std::string, std::size_t>;

class NodeChecker {
 public:
  // Everything is borrowed; `index` maps ids to positions in `nodes`.
  NodeChecker(const std::vector<CheckedNode>& nodes, const NodeIndex& index,
              const NodeRegistry& registry, const Environment& environment,
              std::vector<std::string>& warnings)
      : nodes_(nodes),
        index_(index),
        registry_(registry),
        environment_(environment),
        warnings_(warnings) {}

  // Fills inputs, sources and issues of `checked`, one of the nodes. REQUIRES: its class is known.
  void check(CheckedNode& checked);

 private:
  void check_input(CheckedNode& checked, const InputSpec& spec);
  void report_missing(CheckedNode& checked, const InputSpec& spec);
  // "; VAEDecode makes an IMAGE of a LATENT": the simplest node that would fit between; empty if
  // there is none.
  std::string go_between(const std::string& found, const std::string& wanted) const;
  // "; CheckpointLoaderSimple gives one": a node that needs no link itself; empty if there is none.
  std::string giver(const std::string& wanted) const;
  void check_link(CheckedNode& checked, ResolvedInput& input, const Link& link);
  void check_constant(CheckedNode& checked, ResolvedInput& input, const nlohmann::json& value);
  void check_choice(CheckedNode& checked, ResolvedInput& input);
  void warn_about_unknown_inputs(const CheckedNode& checked);
  void call_validate_hook(CheckedNode& checked);
  Issue make_issue(std::string type, std::string message, std::string details,
                   const InputSpec& spec);
  nlohmann::json short_config(const InputSpec& spec);
  const std::vector<std::string>& choices_of(const InputSpec& spec);
  void warn(const CheckedNode& checked, const std::string& input, const std::string& text);

  const std::vector<CheckedNode>& nodes_;
  const NodeIndex& index_;
  const NodeRegistry& registry_;
  const Environment& environment_;
  std::vector<std::string>& warnings_;
  // Folders are listed once a validation, not once a node.
  std::unordered_map<const InputSpec*, std::vector<std::string>> choices_;
};

}  // namespace obscura::graph
