#include "graph/node_runner.h"

#include <algorithm>
#include <set>
#include <utility>

#include "graph/article.h"
#include "graph/coerce.h"
#include "graph/job_boundary.h"
#include "graph/suggest.h"

namespace obscura::graph {
namespace {

using nlohmann::json;

// Lists of lists multiply: three nodes with a thousand elements each would ask for a thousand
// million calls.
constexpr std::size_t kMostElements = 65'536;

// Whether `value` may enter an input of `type`, a single name.
bool fits(const Value& value, std::string_view type) {
  if (type == "*") return true;
  if (!value.is_constant()) return socket_types_fit(value.type(), type);
  if (type == "INT") return value.json().is_number_integer();
  if (type == "FLOAT") return value.json().is_number();
  if (type == "BOOLEAN") return value.json().is_boolean();
  if (type == "STRING" || type == "COMBO") return value.json().is_string();
  return socket_types_fit(value.type(), type);
}

bool fits_any(const Value& value, std::string_view types) {
  while (true) {
    const std::size_t comma = types.find(',');
    std::string_view member = types.substr(0, comma);
    while (member.starts_with(' ')) member.remove_prefix(1);
    while (member.ends_with(' ')) member.remove_suffix(1);
    if (fits(value, member)) return true;
    if (comma == std::string_view::npos) return false;
    types.remove_prefix(comma + 1);
  }
}

// `choices` are asked for once an input, not once a value.
std::string objection(const InputSpec& spec, const Value& value, bool hook_checks,
                      std::optional<std::vector<std::string>>& choices,
                      const Environment& environment) {
  if (!fits_any(value, spec.type())) {
    return "wanted " + with_article(spec.type()) + ", but " + with_article(value.type()) +
           " arrived: " + value.describe();
  }
  if (hook_checks || !value.is_constant()) return "";
  const Bound bound = check_bounds(spec, value.json());
  if (bound != Bound::kWithin) return describe_bound(spec, value.json(), bound);
  if (!spec.is_choice()) return "";
  if (!choices) choices = spec.choices(environment);
  const std::string& text = value.json().get_ref<const std::string&>();
  const bool known = std::find(choices->begin(), choices->end(), text) != choices->end();
  return known ? "" : describe_no_choice(*choices, text);
}

struct Slice {
  NodeInputs inputs;
  const Value* blocker = nullptr;
};

// The inputs of call `index`: one value each, the last one where a list is shorter; or all, where
// the node takes lists.
Slice slice(const std::vector<GatheredInput>& inputs, bool whole_lists, std::size_t index) {
  std::vector<NodeInputs::Entry> entries;
  const Value* blocker = nullptr;
  for (const GatheredInput& input : inputs) {
    NodeInputs::Entry entry{input.spec->name(), {}};
    if (input.values && whole_lists) {
      entry.values = *input.values;
    } else if (input.values) {
      entry.values = {(*input.values)[std::min(index, input.values->size() - 1)]};
    }
    if (input.values) {
      for (std::size_t i = 0; i < input.values->size(); ++i) {
        const bool seen = whole_lists || i == std::min(index, input.values->size() - 1);
        const Value& value = (*input.values)[i];
        if (seen && value.is_blocker() && (!blocker || value.blocker_message())) blocker = &value;
      }
    }
    entries.push_back(std::move(entry));
  }
  return {NodeInputs(std::move(entries)), blocker};
}

std::size_t count_calls(const ResolvedNode& node, const std::vector<GatheredInput>& inputs) {
  if (node.type->takes_lists()) return 1;
  std::size_t calls = 1;
  for (const GatheredInput& input : inputs) {
    if (!input.values) continue;
    if (input.values->empty()) return 0;
    calls = std::max(calls, input.values->size());
  }
  return calls;
}

Status append_outputs(const ResolvedNode& node, const NodeResult& result, NodeOutcome& outcome) {
  const std::vector<OutputSpec>& declared = node.type->outputs();
  if (result.outputs().size() != declared.size()) {
    return Error(ErrorKind::kInternal, "the node declares " + std::to_string(declared.size()) +
                                           " outputs and returned " +
                                           std::to_string(result.outputs().size()));
  }
  for (std::size_t i = 0; i < declared.size(); ++i) {
    const ValueList& values = result.outputs()[i];
    if (!declared[i].is_list && values.size() != 1) {
      return Error(ErrorKind::kInternal, "output " + in_quotes(declared[i].name) +
                                             " is not declared as a list, but has " +
                                             std::to_string(values.size()) + " values");
    }
    for (const Value& value : values) {
      if (!value.is_blocker() && !fits_any(value, declared[i].type)) {
        return Error(ErrorKind::kInternal, "output " + in_quotes(declared[i].name) +
                                               " is declared as " + declared[i].type + ", but a " +
                                               value.type() + " came");
      }
      outcome.outputs[i].push_back(value);
    }
    if (outcome.outputs[i].size() > kMostElements) {
      return Error(ErrorKind::kInvalidInput, "output " + in_quotes(declared[i].name) +
                                                 " has more than " + std::to_string(kMostElements) +
                                                 " elements");
    }
  }
  return {};
}

// ComfyUI's rule: the lists of all calls one after another, key by key.
void merge_ui(json& merged, const json& ui) {
  if (!ui.is_object()) return;
  if (!merged.is_object()) merged = json::object();
  for (const auto& [key, value] : ui.items()) {
    json& place = merged[key];
    if (place.is_array() && value.is_array()) {
      place.insert(place.end(), value.begin(), value.end());
    } else {
      place = value;
    }
  }
}

}  // namespace

Status check_arrivals(const ResolvedNode& node, const std::vector<GatheredInput>& inputs,
                      const Environment& environment) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!node.inputs[i].linked() || !inputs[i].values) continue;
    const InputSpec& spec = *inputs[i].spec;
    std::optional<std::vector<std::string>> choices;
    for (const Value& value : *inputs[i].values) {
      if (value.is_blocker()) continue;
      const std::string text =
          objection(spec, value, node.type->hook_checks(spec.name()), choices, environment);
      if (!text.empty()) {
        return Error(ErrorKind::kInvalidInput, text).in("input \"" + spec.name() + "\"");
      }
    }
  }
  return {};
}

Result<NodeOutcome> run_node(const ResolvedNode& node, const std::vector<GatheredInput>& inputs,
                             const CallContext& context, bool& blocked) {
  NodeOutcome outcome;
  outcome.outputs.resize(node.type->outputs().size());
  std::set<std::string> told;
  const std::size_t calls = count_calls(node, inputs);
  for (std::size_t i = 0; i < calls; ++i) {
    OBSCURA_TRY(context.cancel.check());
    Slice one = slice(inputs, node.type->takes_lists(), i);
    if (one.blocker) {
      blocked = true;
      const std::optional<std::string>& message = one.blocker->blocker_message();
      if (message && context.warn && told.insert(*message).second)
        context.warn("skipped: " + *message);
      // The message was told here; further down the skip is silent.
      for (ValueList& list : outcome.outputs) list.push_back(Value::blocker());
      continue;
    }
    NodeCall call(std::move(one.inputs), context);
    OBSCURA_ASSIGN(const NodeResult result, guarded([&] { return node.type->body()(call); }));
    OBSCURA_TRY(append_outputs(node, result, outcome));
    merge_ui(outcome.ui, result.ui());
  }
  return outcome;
}

Result<std::vector<std::size_t>> wanted_lazy_inputs(const ResolvedNode& node,
                                                    const std::vector<GatheredInput>& inputs) {
  std::set<std::size_t> wanted;
  const std::size_t calls = count_calls(node, inputs);
  for (std::size_t i = 0; i < calls; ++i) {
    const Slice one = slice(inputs, node.type->takes_lists(), i);
    if (one.blocker) continue;
    OBSCURA_ASSIGN(const std::vector<std::string> names,
                   guarded([&] { return node.type->lazy_hook()(one.inputs); }));
    for (const std::string& name : names) {
      std::size_t index = 0;
      while (index < inputs.size() && inputs[index].spec->name() != name) ++index;
      if (index == inputs.size()) {
        return Error(ErrorKind::kInternal,
                     "the lazy hook asks for an input that is not declared: " + name);
      }
      if (!inputs[index].values && node.inputs[index].linked()) wanted.insert(index);
    }
  }
  return std::vector<std::size_t>(wanted.begin(), wanted.end());
}

json describe_inputs(const std::vector<GatheredInput>& inputs) {
  json described = json::object();
  for (const GatheredInput& input : inputs) {
    if (!input.values) continue;
    json& list = described[input.spec->name()] = json::array();
    constexpr std::size_t kMostShown = 8;
    for (const Value& value : *input.values) {
      if (list.size() < kMostShown) list.push_back(value.describe());
    }
  }
  return described;
}

}  // namespace obscura::graph
