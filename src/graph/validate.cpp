#include "graph/validate.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "graph/coerce.h"
#include "graph/object_info.h"
#include "graph/suggest.h"

namespace obscura::graph {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::size_t kNone = ResolvedInput::kNoSource;
// ComfyUI leaves long choice lists out of error messages; clients that show them would be flooded.
constexpr std::size_t kMostChoicesInConfig = 20;

// Everything known about one node of the document while it is checked.
struct Checked {
  enum class State { kUnseen, kOpen, kDone };
  const Workflow::Node* node = nullptr;
  const NodeType* type = nullptr;  // null: unknown class
  NodeRef ref;
  State state = State::kUnseen;
  bool sound = true;  // it and all that it needs
  std::vector<ResolvedInput> inputs;
  std::vector<std::size_t> sources;  // distinct, in the order of declared inputs
  std::vector<Issue> issues;
};

class Validator {
 public:
  Validator(const Workflow& workflow, const NodeRegistry& registry, const Environment& environment)
      : workflow_(workflow), registry_(registry), environment_(environment) {}

  Validation run(const ValidationOptions& options);

 private:
  void look_up_classes();
  std::vector<std::size_t> pick_outputs(const ValidationOptions& options);
  void walk(std::size_t output);
  void report_cycle(const std::vector<std::pair<std::size_t, std::size_t>>& path,
                    std::size_t first);
  void check_node(Checked& checked);
  void check_input(Checked& checked, const InputSpec& spec);
  void check_link(Checked& checked, ResolvedInput& input, const Link& link, const json& config);
  void check_constant(Checked& checked, ResolvedInput& input, json value, const json& config);
  void check_choice(Checked& checked, ResolvedInput& input, const json& config);
  void warn_about_unknown_inputs(const Checked& checked);
  void call_validate_hook(Checked& checked);
  void collect_errors(const std::vector<std::size_t>& outputs);
  void resolve(const std::vector<std::size_t>& outputs);
  std::vector<std::string> outputs_behind(std::size_t node,
                                          const std::vector<std::size_t>& outputs) const;
  json short_config(const InputSpec& spec);
  const std::vector<std::string>& choices_of(const InputSpec& spec);
  void warn(const Checked& checked, const std::string& input, const std::string& text) {
    validation_.warnings.push_back(checked.ref.describe() + ", input \"" + printable(input) +
                                   "\": " + text);
  }

  const Workflow& workflow_;
  const NodeRegistry& registry_;
  const Environment& environment_;
  std::vector<Checked> nodes_;
  std::unordered_map<std::string, std::size_t> index_;
  std::unordered_map<const InputSpec*, std::vector<std::string>> choices_;
  std::vector<std::size_t> order_;  // finished nodes, sources first
  Validation validation_;
};

Issue make_issue(std::string type, std::string message, std::string details,
                 const std::string& input, const json& config) {
  Issue issue{std::move(type), std::move(message), std::move(details), input, json::object()};
  if (!input.empty()) {
    issue.extra_info["input_name"] = input;
    issue.extra_info["input_config"] = config;
  }
  return issue;
}

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
  std::unordered_map<std::string, std::string>
      suggestions;  // a hostile file repeats one unknown name
  for (const Workflow::Node& node : workflow_.nodes()) {
    Checked checked;
    checked.node = &node;
    checked.type = registry_.find(node.type());
    const std::string& label = checked.type ? checked.type->label() : node.type();
    checked.ref = {node.id(), node.type(), node.title().empty() ? label : node.title()};
    if (!checked.type) {
      auto [near, is_new] = suggestions.try_emplace(node.type());
      if (is_new && suggestions.size() <= 100) near->second = suggestion(node.type(), names);
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
    const Checked& checked = nodes_[i];
    if (!checked.type || !checked.type->is_output_node()) continue;
    if (targets.empty() || targets.erase(checked.ref.id) > 0) outputs.push_back(i);
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
    nodes_[index].state = Checked::State::kOpen;
    check_node(nodes_[index]);
    path.emplace_back(index, 0);
  };
  if (nodes_[output].state == Checked::State::kUnseen) open(output);
  while (!path.empty()) {
    auto& [index, next] = path.back();
    Checked& checked = nodes_[index];
    if (next < checked.sources.size()) {
      const std::size_t source = checked.sources[next++];
      if (nodes_[source].state == Checked::State::kUnseen) {
        open(source);
      } else if (nodes_[source].state == Checked::State::kOpen) {
        report_cycle(path, source);
      }
      continue;
    }
    if (!checked.issues.empty()) checked.sound = false;
    for (std::size_t source : checked.sources)
      checked.sound = checked.sound && nodes_[source].sound;
    checked.state = Checked::State::kDone;
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
  Checked& closing = nodes_[path.back().first];
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

void Validator::check_node(Checked& checked) {
  if (!checked.type) return;
  for (const InputSpec& spec : checked.type->inputs()) check_input(checked, spec);
  warn_about_unknown_inputs(checked);
  if (checked.type->is_deprecated()) {
    validation_.warnings.push_back(checked.ref.describe() + ": the node is deprecated");
  }
  if (checked.issues.empty()) call_validate_hook(checked);
}

void Validator::check_input(Checked& checked, const InputSpec& spec) {
  ResolvedInput input;
  input.spec = &spec;
  const ordered_json& written = checked.node->inputs();
  const auto found = written.find(spec.name());
  if (found == written.end()) {
    const std::optional<json> fallback = spec.declared_default();
    if (spec.required()) {
      checked.issues.push_back(
          make_issue("required_input_missing", "Required input is missing",
                     "wanted a " + spec.type() + ", found nothing" +
                         (fallback ? " (a usual value is " + shown(*fallback) + ")" : ""),
                     spec.name(), short_config(spec)));
    } else if (fallback && spec.takes_constant()) {
      input.constant = *fallback;
    }
  } else if (const std::optional<Link> link = as_link(*found)) {
    check_link(checked, input, *link, short_config(spec));
  } else {
    const bool wrapped = found->is_object() && found->size() == 1 && found->contains("__value__");
    check_constant(checked, input, json(wrapped ? found->at("__value__") : *found),
                   short_config(spec));
  }
  checked.inputs.push_back(std::move(input));
}

void Validator::check_link(Checked& checked, ResolvedInput& input, const Link& link,
                           const json& config) {
  const InputSpec& spec = *input.spec;
  const auto fail = [&](const char* type, const char* message, std::string details) {
    Issue issue = make_issue(type, message, std::move(details), spec.name(), config);
    issue.extra_info["linked_node"] = {link.node, link.slot};
    checked.issues.push_back(std::move(issue));
  };
  constexpr const char* kBadLink = "Bad linked input";
  const auto found = index_.find(link.node);
  if (found == index_.end()) {
    return fail("bad_linked_input", kBadLink,
                "wanted a " + spec.type() + ", but the linked node " + in_quotes(link.node) +
                    " does not exist");
  }
  const Checked& source = nodes_[found->second];
  input.source = found->second;
  if (std::find(checked.sources.begin(), checked.sources.end(), input.source) ==
      checked.sources.end()) {
    checked.sources.push_back(input.source);
  }
  if (!source.type) return;  // reported at that node
  const std::vector<OutputSpec>& outputs = source.type->outputs();
  if (link.slot < 0 || static_cast<std::size_t>(link.slot) >= outputs.size()) {
    return fail("bad_linked_input", kBadLink,
                "wanted a " + spec.type() + " from output " + std::to_string(link.slot) + " of " +
                    source.ref.describe() + ", which has " +
                    (outputs.empty() ? std::string("no outputs")
                                     : "outputs 0 to " + std::to_string(outputs.size() - 1)));
  }
  input.slot = static_cast<std::size_t>(link.slot);
  const OutputSpec& output = outputs[input.slot];
  if (!socket_types_fit(output.type, spec.type())) {
    fail("return_type_mismatch", "Return type mismatch between linked nodes",
         "wanted a " + spec.type() + ", found a " + output.type + " from output " +
             std::to_string(link.slot) + " of " + source.ref.describe());
    checked.issues.back().extra_info["received_type"] = output.type;
  }
}

void Validator::check_constant(Checked& checked, ResolvedInput& input, json value,
                               const json& config) {
  const InputSpec& spec = *input.spec;
  const auto fail = [&](std::string type, std::string message, std::string details) {
    Issue issue =
        make_issue(std::move(type), std::move(message), std::move(details), spec.name(), config);
    issue.extra_info["received_value"] = std::move(value);
    checked.issues.push_back(std::move(issue));
  };
  if (!spec.takes_constant()) {
    return fail(
        "bad_linked_input", "Bad linked input, must be a length-2 list of [node_id, slot_index]",
        "wanted a link to a " + spec.type() + " output, such as [\"4\", 0], found " + shown(value));
  }
  Result<Coerced> coerced = coerce(spec.type(), value);
  if (!coerced.ok()) {
    return fail("invalid_input_type",
                "Failed to convert an input value to a " + spec.type() + " value",
                coerced.error().message());
  }
  if (!coerced->warning.empty()) warn(checked, spec.name(), coerced->warning);
  input.constant = std::move(coerced->value);
  if (checked.type->hook_checks(spec.name())) return;
  const Bound bound = check_bounds(spec, *input.constant);
  if (bound != Bound::kWithin) {
    const bool below = bound == Bound::kBelow;
    return fail(below ? "value_smaller_than_min" : "value_bigger_than_max",
                below ? "Value is smaller than the minimum" : "Value is bigger than the maximum",
                describe_bound(spec, *input.constant, bound));
  }
  if (spec.is_choice()) check_choice(checked, input, config);
}

void Validator::check_choice(Checked& checked, ResolvedInput& input, const json& config) {
  const InputSpec& spec = *input.spec;
  const std::vector<std::string>& choices = choices_of(spec);
  const std::string value = input.constant->get<std::string>();
  const std::string* choice = find_choice(choices, value);
  if (!choice) {
    Issue issue = make_issue("value_not_in_list", "Value not in list",
                             describe_no_choice(choices, value), spec.name(), config);
    issue.extra_info["received_value"] = value;
    checked.issues.push_back(std::move(issue));
  } else if (*choice != value) {
    warn(checked, spec.name(), in_quotes(value) + " was read as " + in_quotes(*choice));
    input.constant = *choice;
  }
}

void Validator::warn_about_unknown_inputs(const Checked& checked) {
  constexpr int kMostWarnings = 20;
  int warnings = 0;
  std::vector<std::string> names;
  for (const InputSpec& spec : checked.type->inputs()) names.push_back(spec.name());
  for (const auto& [name, value] : checked.node->inputs().items()) {
    if (checked.type->find_input(name)) continue;
    if (++warnings > kMostWarnings) break;
    warn(checked, name, "the node has no such input; it is ignored" + suggestion(name, names));
  }
}

void Validator::call_validate_hook(Checked& checked) {
  if (!checked.type->validate_hook()) return;
  std::vector<NodeInputs::Entry> entries;
  for (const ResolvedInput& input : checked.inputs) {
    entries.push_back({input.spec->name(), {}});
    if (input.constant) {
      entries.back().values.push_back(Value::constant(input.spec->type(), *input.constant));
    }
  }
  std::string type = "custom_validation_failed";
  std::string details;
  try {
    const Status status =
        checked.type->validate_hook()(NodeInputs(std::move(entries)), environment_);
    if (status.ok()) return;
    details = status.error().message();
  } catch (const std::exception& exception) {
    type = "exception_during_validation";
    details = exception.what();
  }
  checked.issues.push_back(
      {type, "Custom validation failed for node", details, "", json::object()});
}

void Validator::collect_errors(const std::vector<std::size_t>& outputs) {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Checked& checked = nodes_[i];
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
    Checked& checked = nodes_[index];
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

json Validator::short_config(const InputSpec& spec) {
  if (!spec.is_choice()) return json::array({spec.type(), json(spec.options())});
  const std::vector<std::string>& choices = choices_of(spec);
  if (choices.size() > kMostChoicesInConfig) return nullptr;
  return json::array({choices, json(spec.options())});
}

const std::vector<std::string>& Validator::choices_of(const InputSpec& spec) {
  auto [found, is_new] = choices_.try_emplace(&spec);
  if (is_new) found->second = spec.choices(environment_);
  return found->second;
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
