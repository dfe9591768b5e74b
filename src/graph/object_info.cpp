#include "graph/object_info.h"

namespace obscura::graph {
namespace {

using nlohmann::ordered_json;

std::pair<const char*, const char*> hidden_name(Hidden hidden) {
  switch (hidden) {
    case Hidden::kPrompt:
      return {"prompt", "PROMPT"};
    case Hidden::kExtraPngInfo:
      return {"extra_pnginfo", "EXTRA_PNGINFO"};
    case Hidden::kUniqueId:
      return {"unique_id", "UNIQUE_ID"};
  }
  fail_check("a known hidden input", __FILE__, __LINE__, "hidden_name()");
}

void add_inputs(ordered_json& entry, const NodeType& type, const Environment& environment) {
  ordered_json inputs = {{"required", ordered_json::object()}};
  ordered_json order = {{"required", ordered_json::array()}};
  for (const InputSpec& spec : type.inputs()) {
    const char* section = spec.required() ? "required" : "optional";
    inputs[section][spec.name()] = input_config(spec, environment);
    order[section].push_back(spec.name());
  }
  for (Hidden hidden : type.hidden()) {
    const auto [name, kind] = hidden_name(hidden);
    inputs["hidden"][name] = kind;
    order["hidden"].push_back(name);
  }
  entry["input"] = std::move(inputs);
  entry["input_order"] = std::move(order);
}

void add_outputs(ordered_json& entry, const NodeType& type) {
  ordered_json types = ordered_json::array();
  ordered_json lists = ordered_json::array();
  ordered_json names = ordered_json::array();
  ordered_json tooltips = ordered_json::array();
  bool any_tooltip = false;
  for (const OutputSpec& output : type.outputs()) {
    types.push_back(output.type);
    lists.push_back(output.is_list);
    names.push_back(output.name);
    tooltips.push_back(output.tooltip);
    any_tooltip = any_tooltip || !output.tooltip.empty();
  }
  entry["output"] = std::move(types);
  entry["output_is_list"] = std::move(lists);
  entry["output_name"] = std::move(names);
  if (any_tooltip) entry["output_tooltips"] = std::move(tooltips);
}

}  // namespace

ordered_json input_config(const InputSpec& spec, const Environment& environment) {
  if (spec.is_choice()) {
    return ordered_json::array({spec.choices(environment), spec.options()});
  }
  return ordered_json::array({spec.type(), spec.options()});
}

ordered_json object_info(const NodeType& type, const Environment& environment) {
  ordered_json entry = ordered_json::object();
  add_inputs(entry, type, environment);
  entry["is_input_list"] = type.takes_lists();
  add_outputs(entry, type);
  entry["name"] = type.id();
  entry["display_name"] = type.label();
  entry["description"] = type.description();
  entry["python_module"] = "nodes";
  entry["category"] = type.category();
  entry["output_node"] = type.is_output_node();
  if (type.is_deprecated()) entry["deprecated"] = true;
  if (type.is_experimental()) entry["experimental"] = true;
  return entry;
}

ordered_json object_info(const NodeRegistry& registry, const Environment& environment) {
  ordered_json all = ordered_json::object();
  auto& members = all.get_ref<ordered_json::object_t&>();
  for (const auto& [id, type] : registry.types())
    members.emplace_back(id, object_info(type, environment));
  return all;
}

}  // namespace obscura::graph
