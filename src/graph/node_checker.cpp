#include "graph/node_checker.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "graph/article.h"
#include "graph/coerce.h"
#include "graph/suggest.h"

namespace obscura::graph {
namespace {

using nlohmann::json;

// ComfyUI leaves long choice lists out of error messages; clients that show them would be flooded.
constexpr std::size_t kMostChoicesInConfig = 20;

}  // namespace

void NodeChecker::check(CheckedNode& checked) {
  for (const InputSpec& spec : checked.type->inputs()) check_input(checked, spec);
  warn_about_unknown_inputs(checked);
  if (checked.type->is_deprecated()) {
    warnings_.push_back(checked.ref.describe() + ": the node is deprecated");
  }
  if (checked.issues.empty()) call_validate_hook(checked);
}

void NodeChecker::check_input(CheckedNode& checked, const InputSpec& spec) {
  ResolvedInput input;
  input.spec = &spec;
  const nlohmann::ordered_json& written = checked.node->inputs();
  const auto found = written.find(spec.name());
  if (found == written.end()) {
    if (spec.required()) report_missing(checked, spec);
    if (!spec.required() && spec.takes_constant()) input.constant = spec.declared_default();
  } else if (const std::optional<Link> link = as_link(*found)) {
    check_link(checked, input, *link);
  } else {
    const bool wrapped = found->is_object() && found->size() == 1 && found->contains("__value__");
    check_constant(checked, input, json(wrapped ? found->at("__value__") : *found));
  }
  checked.inputs.push_back(std::move(input));
}

void NodeChecker::report_missing(CheckedNode& checked, const InputSpec& spec) {
  std::string details = "wanted " + with_article(spec.type()) + ", found nothing";
  const std::optional<json> usual = spec.declared_default();
  if (usual) details += " (the usual value is " + shown(*usual) + ")";
  if (!spec.takes_constant()) details += giver(spec.type());
  checked.issues.push_back(
      make_issue("required_input_missing", "Required input is missing", std::move(details), spec));
}

std::string NodeChecker::giver(const std::string& wanted) const {
  const NodeType* simplest = nullptr;
  for (const auto& [id, type] : registry_.types()) {
    const auto gives = [&](const OutputSpec& output) { return output.type == wanted; };
    const auto is_link = [](const InputSpec& input) {
      return input.required() && !input.takes_constant();
    };
    if (type.is_deprecated() || std::any_of(type.inputs().begin(), type.inputs().end(), is_link) ||
        std::none_of(type.outputs().begin(), type.outputs().end(), gives))
      continue;
    if (simplest == nullptr || type.inputs().size() < simplest->inputs().size()) simplest = &type;
  }
  return simplest == nullptr ? "" : "; " + simplest->id() + " gives one";
}

std::string NodeChecker::go_between(const std::string& found, const std::string& wanted) const {
  const NodeType* simplest = nullptr;
  for (const auto& [id, type] : registry_.types()) {
    if (type.outputs().empty() || type.outputs()[0].type != wanted || type.is_deprecated())
      continue;
    const auto takes = [&](const InputSpec& input) {
      return input.required() && input.type() == found;
    };
    if (std::none_of(type.inputs().begin(), type.inputs().end(), takes)) continue;
    if (simplest == nullptr || type.inputs().size() < simplest->inputs().size()) simplest = &type;
  }
  if (simplest == nullptr) return "";
  return "; " + simplest->id() + " makes " + with_article(wanted) + " of " + with_article(found);
}

void NodeChecker::check_link(CheckedNode& checked, ResolvedInput& input, const Link& link) {
  const InputSpec& spec = *input.spec;
  const auto fail = [&](const char* type, const char* message, std::string details) {
    Issue issue =
        make_issue(type, message, "wanted " + with_article(spec.type()) + std::move(details), spec);
    issue.extra_info["linked_node"] = json::array({link.node, link.slot});
    checked.issues.push_back(std::move(issue));
  };
  const auto found = index_.find(link.node);
  if (found == index_.end()) {
    return fail("bad_linked_input", "Bad linked input",
                ", but the linked node " + in_quotes(link.node) + " does not exist");
  }
  const CheckedNode& source = nodes_[found->second];
  input.source = found->second;
  const bool known = std::find(checked.sources.begin(), checked.sources.end(), input.source) !=
                     checked.sources.end();
  if (!known) checked.sources.push_back(input.source);
  if (!source.type) return;  // reported at that node

  const std::vector<OutputSpec>& outputs = source.type->outputs();
  const std::string place = " output " + std::to_string(link.slot) + " of " + source.ref.describe();
  if (link.slot < 0 || static_cast<std::size_t>(link.slot) >= outputs.size()) {
    const std::string last = outputs.empty() ? "" : std::to_string(outputs.size() - 1);
    return fail(
        "bad_linked_input", "Bad linked input",
        " from" + place + ", which has " + (last.empty() ? "no outputs" : "outputs 0 to " + last));
  }
  input.slot = static_cast<std::size_t>(link.slot);
  const std::string& type = outputs[input.slot].type;
  if (!socket_types_fit(type, spec.type())) {
    fail("return_type_mismatch", "Return type mismatch between linked nodes",
         ", found " + with_article(type) + " from" + place + go_between(type, spec.type()));
    checked.issues.back().extra_info["received_type"] = type;
  }
}

void NodeChecker::check_constant(CheckedNode& checked, ResolvedInput& input, const json& value) {
  const InputSpec& spec = *input.spec;
  const auto fail = [&](std::string type, std::string message, std::string details) {
    Issue issue = make_issue(std::move(type), std::move(message), std::move(details), spec);
    issue.extra_info["received_value"] = value;
    checked.issues.push_back(std::move(issue));
  };
  if (!spec.takes_constant()) {
    return fail("bad_linked_input",
                "Bad linked input, must be a length-2 list of [node_id, slot_index]",
                "wanted a link to " + with_article(spec.type()) +
                    " output, such as [\"4\", 0], found " + shown(value));
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
  if (bound == Bound::kBelow) {
    fail("value_smaller_than_min", "Value is smaller than the minimum",
         describe_bound(spec, *input.constant, bound));
  } else if (bound == Bound::kAbove) {
    fail("value_bigger_than_max", "Value is bigger than the maximum",
         describe_bound(spec, *input.constant, bound));
  } else if (spec.is_choice()) {
    check_choice(checked, input);
  }
}

void NodeChecker::check_choice(CheckedNode& checked, ResolvedInput& input) {
  const InputSpec& spec = *input.spec;
  const std::vector<std::string>& choices = choices_of(spec);
  const std::string value = input.constant->get<std::string>();
  const std::string* choice = find_choice(choices, value);
  if (!choice) {
    Issue issue = make_issue("value_not_in_list", "Value not in list",
                             describe_no_choice(choices, value), spec);
    issue.extra_info["received_value"] = value;
    checked.issues.push_back(std::move(issue));
  } else if (*choice != value) {
    warn(checked, spec.name(), in_quotes(value) + " was read as " + in_quotes(*choice));
    input.constant = *choice;
  }
}

void NodeChecker::warn_about_unknown_inputs(const CheckedNode& checked) {
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

void NodeChecker::call_validate_hook(CheckedNode& checked) {
  if (!checked.type->validate_hook()) return;
  const NodeInputs inputs = constants_of(checked.inputs);
  Issue issue{"custom_validation_failed", "Custom validation failed for node", "", "",
              json::object()};
  try {
    const Status status = checked.type->validate_hook()(inputs, environment_);
    if (status.ok()) return;
    issue.details = status.error().message();
  } catch (const std::exception& exception) {
    issue.type = "exception_during_validation";
    issue.message = "Exception during validation of node";
    issue.details = exception.what();
  }
  checked.issues.push_back(std::move(issue));
}

Issue NodeChecker::make_issue(std::string type, std::string message, std::string details,
                              const InputSpec& spec) {
  Issue issue{std::move(type), std::move(message), std::move(details), spec.name(), json::object()};
  issue.extra_info["input_name"] = spec.name();
  issue.extra_info["input_config"] = short_config(spec);
  return issue;
}

json NodeChecker::short_config(const InputSpec& spec) {
  if (!spec.is_choice()) return json::array({spec.type(), json(spec.options())});
  const std::vector<std::string>& choices = choices_of(spec);
  if (choices.size() > kMostChoicesInConfig) return nullptr;
  return json::array({choices, json(spec.options())});
}

const std::vector<std::string>& NodeChecker::choices_of(const InputSpec& spec) {
  auto [found, is_new] = choices_.try_emplace(&spec);
  if (is_new) found->second = spec.choices(environment_);
  return found->second;
}

void NodeChecker::warn(const CheckedNode& checked, const std::string& input,
                       const std::string& text) {
  warnings_.push_back(checked.ref.describe() + ", input \"" + printable(input) + "\": " + text);
}

}  // namespace obscura::graph
