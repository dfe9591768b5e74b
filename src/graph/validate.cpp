#include "graph/validate.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "graph/node_checker.h"
#include "graph/node_names.h"
#include "graph/suggest.h"

namespace obscura::graph {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::size_t kNone = ResolvedInput::kNoSource;

class Validator {
 public:
  Validator(const Workflow& workflow, const NodeRegistry& registry, const Environment& environment)
      : workflow_(workflow),
        registry_(registry),
        checker_(nodes_, index_, registry, environment, validation_.warnings) {}

  Validation run(const ValidationOptions& options);

 private:
  void look_up_classes();
  std::vector<std::size_t> pick_outputs(const ValidationOptions& options);
  void walk(std::size_t output);
  void report_cycle(const std::vector<std::pair<std::size_t, std::size_t>>& path,
                    std::size_t first);
  void collect_errors(const std::vector<std::size_t>& outputs);
  void resolve(const std::vector<std::size_t>& outputs);
  std::vector<std::string> outputs_behind(std::size_t node,
                                          const std::vector<std::size_t>& outputs) const;

  const Workflow& workflow_;
  const NodeRegistry& registry_;
  std::vector<CheckedNode> nodes_;
  NodeIndex index_;
  std::vector<std::size_t> order_;  // finished nodes, sources first
  Validation validation_;
  NodeChecker checker_;
};

Validation Validator::run(const ValidationOptions& options) {
  look_up_classes();
  const std::vector<std::size_t> outputs = pick_outputs(options);
  for (std::size_t output : outputs) walk(output);
  collect_errors(outputs);
  if (!validation_.error) resolve(outputs);
  return std::move(validation_);
}

void Validator::look_up_classes() {
  const std::vector<std::string> names = registry_.names();
  // A hostile file has thousands of unknown names, each of which takes a search.
  std::unordered_map<std::string, std::string> suggestions;
  for (const Workflow::Node& node : workflow_.nodes()) {
    CheckedNode checked;
    checked.node = &node;
    checked.type = registry_.find(node.type());
    const std::string& label = checked.type ? checked.type->label() : node.type();
    checked.ref = {node.id(), node.type(), node.title().empty() ? label : node.title()};
    if (!checked.type) {
      auto [near, is_new] = suggestions.try_emplace(node.type());
      if (is_new && suggestions.size() <= 100) near->second = node_suggestion(node.type(), names);
      Issue issue{
          "invalid_prompt",
          "Unknown node type",
          "no node type " + in_quotes(node.type()) + near->second,
          "",
          {{"node_id", node.id()}, {"class_type", node.type()}, {"node_title", node.title()}}};
      if (!validation_.error) {
        validation_.error = issue;
        validation_.error->message = issue.details;
        validation_.error->details = "Node ID '#" + node.id() + "'";
      }
      checked.issues.push_back(std::move(issue));
      checked.sound = false;
    }
    index_.emplace(node.id(), nodes_.size());
    nodes_.push_back(std::move(checked));
  }
}

std::vector<std::size_t> Validator::pick_outputs(const ValidationOptions& options) {
  std::set<std::string> targets(options.targets.begin(), options.targets.end());
  std::vector<std::size_t> outputs;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const CheckedNode& checked = nodes_[i];
    if (!checked.type || !checked.type->is_output_node()) continue;
    if (options.targets.empty() || targets.erase(checked.ref.id) > 0) outputs.push_back(i);
  }
  if (validation_.error) return outputs;
  if (!options.targets.empty() && !targets.empty()) {
    const bool exists = index_.contains(*targets.begin());
    validation_.error =
        Issue{"prompt_no_outputs", "Prompt has no such output",
              "the target " + in_quotes(*targets.begin()) +
                  (exists ? " is not an output node" : " is not a node of the workflow"),
              "", json::object()};
  } else if (outputs.empty()) {
    validation_.error = Issue{"prompt_no_outputs", "Prompt has no outputs",
                              nodes_.empty() ? "the workflow is empty"
                                             : "no node of the workflow saves or shows anything",
                              "", json::object()};
  }
  return outputs;
}

// Depth first with a stack of its own: a hostile chain of thousands of nodes must not exhaust the
// thread's.
void Validator::walk(std::size_t output) {
  std::vector<std::pair<std::size_t, std::size_t>> path;  // node, next source to visit
  const auto open = [&](std::size_t index) {
    nodes_[index].state = CheckedNode::State::kOpen;
    if (nodes_[index].type) checker_.check(nodes_[index]);
    path.emplace_back(index, 0);
  };
  if (nodes_[output].state == CheckedNode::State::kUnseen) open(output);
  while (!path.empty()) {
    auto& [index, next] = path.back();
    CheckedNode& checked = nodes_[index];
    if (next < checked.sources.size()) {
      const std::size_t source = checked.sources[next++];
      if (nodes_[source].state == CheckedNode::State::kUnseen) {
        open(source);
      } else if (nodes_[source].state == CheckedNode::State::kOpen) {
        report_cycle(path, source);
      }
      continue;
    }
    if (!checked.issues.empty()) checked.sound = false;
    for (std::size_t source : checked.sources)
      checked.sound = checked.sound && nodes_[source].sound;
    checked.state = CheckedNode::State::kDone;
    order_.push_back(index);
    path.pop_back();
  }
}

void Validator::report_cycle(const std::vector<std::pair<std::size_t, std::size_t>>& path,
                             std::size_t first) {
  std::size_t begin = path.size();
  while (begin > 0 && path[begin - 1].first != first) --begin;
  std::vector<std::string> ids;
  for (std::size_t i = begin - 1; i < path.size(); ++i) {
    nodes_[path[i].first].sound = false;
    ids.push_back(nodes_[path[i].first].ref.id);
  }
  std::string text;
  constexpr std::size_t kMostShown = 12;
  for (std::size_t i = 0; i < ids.size() && i < kMostShown; ++i) text += ids[i] + " ← ";
  if (ids.size() > kMostShown) text += "… ← ";
  text += ids.front();
  CheckedNode& closing = nodes_[path.back().first];
  std::string input;
  for (const ResolvedInput& candidate : closing.inputs) {
    if (candidate.source == first) input = candidate.spec->name();
  }
  Issue issue{"dependency_cycle",
              "Dependency cycle detected",
              "the link closes a cycle: " + text,
              input,
              {{"node_id", closing.ref.id}, {"cycle_nodes", ids}}};
  if (!input.empty()) issue.extra_info["input_name"] = input;
  closing.issues.push_back(std::move(issue));
}

void Validator::collect_errors(const std::vector<std::size_t>& outputs) {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    CheckedNode& checked = nodes_[i];
    if (checked.issues.empty()) continue;
    validation_.node_errors.push_back(
        {checked.ref, std::move(checked.issues), outputs_behind(i, outputs)});
  }
  if (validation_.error) return;
  const bool any_sound = std::any_of(outputs.begin(), outputs.end(),
                                     [&](std::size_t output) { return nodes_[output].sound; });
  if (any_sound) return;
  validation_.error = Issue{"prompt_outputs_failed_validation", "Prompt outputs failed validation",
                            "", "", json::object()};
}

std::vector<std::string> Validator::outputs_behind(std::size_t node,
                                                   const std::vector<std::size_t>& outputs) const {
  // order_ has sources first, so one pass finds everything downstream (a cycle's members are found
  // through the links that do not close it, which is enough to name an output).
  std::vector<bool> depends(nodes_.size(), false);
  depends[node] = true;
  for (std::size_t index : order_) {
    for (std::size_t source : nodes_[index].sources) {
      if (depends[source]) depends[index] = true;
    }
  }
  std::vector<std::string> ids;
  for (std::size_t output : outputs) {
    if (depends[output]) ids.push_back(nodes_[output].ref.id);
  }
  return ids;
}

void Validator::resolve(const std::vector<std::size_t>& outputs) {
  ResolvedWorkflow& resolved = validation_.resolved;
  std::vector<bool> needed(nodes_.size(), false);
  for (std::size_t output : outputs) needed[output] = nodes_[output].sound;
  for (auto index = order_.rbegin(); index != order_.rend(); ++index) {
    if (!needed[*index]) continue;
    for (std::size_t source : nodes_[*index].sources) needed[source] = true;
  }
  std::vector<std::size_t> position(nodes_.size(), kNone);
  for (std::size_t index : order_) {
    if (!needed[index]) continue;
    CheckedNode& checked = nodes_[index];
    for (ResolvedInput& input : checked.inputs) {
      if (input.linked()) input.source = position[input.source];
    }
    position[index] = resolved.nodes.size();
    resolved.nodes.push_back({checked.ref, checked.type, std::move(checked.inputs)});
  }
  for (std::size_t output : outputs) {
    if (nodes_[output].sound) resolved.outputs.push_back(position[output]);
  }
  resolved.prompt = workflow_.to_json();
}

ordered_json issue_to_json(const Issue& issue) {
  std::string details = issue.details;
  if (!issue.input.empty()) details = issue.input + ": " + details;
  return {{"type", issue.type},
          {"message", issue.message},
          {"details", details},
          {"extra_info", ordered_json(issue.extra_info)}};
}

}  // namespace

NodeInputs constants_of(const std::vector<ResolvedInput>& inputs) {
  std::vector<NodeInputs::Entry> entries;
  for (const ResolvedInput& input : inputs) {
    entries.push_back({input.spec->name(), {}});
    if (!input.constant) continue;
    entries.back().values.push_back(Value::constant(input.spec->type(), *input.constant));
  }
  return NodeInputs(std::move(entries));
}

ordered_json Validation::to_json() const {
  ordered_json errors = ordered_json::object();
  for (const NodeIssues& node : node_errors) {
    ordered_json list = ordered_json::array();
    for (const Issue& issue : node.issues) list.push_back(issue_to_json(issue));
    errors[node.node.id] = {{"errors", std::move(list)},
                            {"dependent_outputs", node.dependent_outputs},
                            {"class_type", node.node.type}};
  }
  return {{"error", error ? issue_to_json(*error) : ordered_json()},
          {"node_errors", std::move(errors)}};
}

std::vector<std::string> Validation::lines() const {
  std::vector<std::string> result;
  for (const NodeIssues& node : node_errors) {
    for (const Issue& issue : node.issues) {
      result.push_back(node.node.describe() +
                       (issue.input.empty() ? "" : ", input \"" + issue.input + "\"") + ": " +
                       issue.details);
    }
  }
  // The other errors of the whole repeat what is said of a node.
  if (error && (result.empty() || error->type == "prompt_no_outputs"))
    result.push_back(error->details);
  return result;
}

Error Validation::to_error() const {
  OBSCURA_CHECK(!complete(), "to_error() of a sound workflow");
  std::string text;
  for (const std::string& line : lines()) text += (text.empty() ? "" : "\n") + line;
  return Error(ErrorKind::kInvalidInput, text);
}

Validation validate(const Workflow& workflow, const NodeRegistry& registry,
                    const Environment& environment, const ValidationOptions& options) {
  return Validator(workflow, registry, environment).run(options);
}

}  // namespace obscura::graph
