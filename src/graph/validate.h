// Checks a workflow against the node declarations before anything runs, and resolves it for the
// executor: classes looked up, constants converted, links turned into indices, nodes in an order in
// which each follows what it needs.
//
// What is an error and its type string follow ComfyUI, so that its clients understand the answer;
// the texts are ours. As in ComfyUI, only nodes that an output needs are checked (except for
// unknown classes, which are always an error), and a workflow is runnable as soon as one output is
// sound. complete() is the stricter question.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/environment.h"
#include "graph/node_call.h"
#include "graph/node_registry.h"
#include "graph/workflow.h"

namespace obscura::graph {

// One error. `message` is the short title that ComfyUI shows, `details` says what was wanted and
// what was found.
struct Issue {
  std::string type;  // "value_smaller_than_min", ...
  std::string message;
  std::string details;
  std::string input;  // empty: not about one input
  nlohmann::json extra_info = nlohmann::json::object();
};

struct NodeIssues {
  NodeRef node;
  std::vector<Issue> issues;
  std::vector<std::string>
      dependent_outputs;  // ids of the output nodes that cannot run because of it
};

// One input of a node ready to run: a link, a constant, or neither (an optional input left out).
struct ResolvedInput {
  static constexpr std::size_t kNoSource = static_cast<std::size_t>(-1);
  const InputSpec* spec = nullptr;
  std::size_t source = kNoSource;  // index into ResolvedWorkflow::nodes
  std::size_t slot = 0;
  std::optional<nlohmann::json> constant;

  bool linked() const { return source != kNoSource; }
};

// What a fingerprint or validate hook sees of `inputs`: the constants.
NodeInputs constants_of(const std::vector<ResolvedInput>& inputs);

struct ResolvedNode {
  NodeRef ref;
  const NodeType* type = nullptr;
  std::vector<ResolvedInput> inputs;  // one for each declared input, in order
};

// What runs: the sound outputs and all that they need, sources first. Points into the registry it
// was validated with.
struct ResolvedWorkflow {
  std::vector<ResolvedNode> nodes;
  std::vector<std::size_t> outputs;
  nlohmann::ordered_json prompt;  // the document, for the hidden input
};

struct ValidationOptions {
  // ComfyUI's partial_execution_targets: only these output nodes. Empty: all.
  std::vector<std::string> targets;
};

struct Validation {
  std::optional<Issue> error;  // about the workflow as a whole
  std::vector<NodeIssues> node_errors;
  std::vector<std::string> warnings;  // one line each, naming node and input
  ResolvedWorkflow resolved;

  // At least one output can run.
  bool runnable() const { return !error && !resolved.outputs.empty(); }
  // Nothing is wrong anywhere.
  bool complete() const { return runnable() && node_errors.empty(); }

  // {"error": …, "node_errors": {id: …}} as POST /prompt answers; "error" is null if the workflow
  // is runnable.
  nlohmann::ordered_json to_json() const;
  // One line an error: `node 4 "Refine" (KSampler), input "steps": wanted at least 1, found 0`.
  std::vector<std::string> lines() const;
  // All lines as one kInvalidInput. REQUIRES: !complete().
  Error to_error() const;
};

Validation validate(const Workflow& workflow, const NodeRegistry& registry,
                    const Environment& environment, const ValidationOptions& options = {});

}  // namespace obscura::graph
