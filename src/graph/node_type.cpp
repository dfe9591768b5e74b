#include "graph/node_type.h"

#include <algorithm>

namespace obscura::graph {
namespace {

bool is_constant_type(std::string_view type) {
  return type == "INT" || type == "FLOAT" || type == "BOOLEAN" || type == "STRING" ||
         type == "COMBO";
}

template <class T>
InputSpec with_default(std::string name, std::string type, const std::optional<T>& default_value) {
  InputSpec spec(std::move(name), std::move(type));
  if (default_value) spec.default_value(*default_value);
  return spec;
}

}  // namespace

InputSpec& InputSpec::step(double step) {
  if (type_ == "INT") return option("step", static_cast<std::int64_t>(step));
  return option("step", step);
}

bool InputSpec::takes_constant() const {
  return type_.find('*') != std::string::npos || is_constant_type(type_);
}

std::optional<nlohmann::json> InputSpec::declared_default() const {
  auto found = options_.find("default");
  if (found == options_.end()) return std::nullopt;
  return nlohmann::json(*found);
}

InputSpec socket(std::string name, std::string type) {
  return InputSpec(std::move(name), std::move(type));
}

InputSpec integer(std::string name, std::optional<std::int64_t> default_value) {
  return with_default(std::move(name), "INT", default_value);
}

InputSpec number(std::string name, std::optional<double> default_value) {
  return with_default(std::move(name), "FLOAT", default_value);
}

InputSpec toggle(std::string name, std::optional<bool> default_value) {
  return with_default(std::move(name), "BOOLEAN", default_value);
}

InputSpec text(std::string name, std::optional<std::string> default_value) {
  return with_default(std::move(name), "STRING", default_value);
}

InputSpec choice(std::string name, std::vector<std::string> options) {
  return choice(std::move(name),
                [options = std::move(options)](const Environment&) { return options; });
}

InputSpec choice(std::string name, OptionProvider options) {
  InputSpec spec(std::move(name), "COMBO");
  spec.choices(std::move(options));
  return spec;
}

NodeType& NodeType::input(InputSpec spec) {
  spec.required_ = true;
  inputs_.push_back(std::move(spec));
  return *this;
}

NodeType& NodeType::optional(InputSpec spec) {
  spec.required_ = false;
  inputs_.push_back(std::move(spec));
  return *this;
}

NodeType& NodeType::hidden(Hidden hidden) {
  hidden_.push_back(hidden);
  return *this;
}

NodeType& NodeType::output(std::string type, std::string name, std::string tooltip) {
  if (name.empty()) name = type;
  outputs_.push_back({std::move(type), std::move(name), false, std::move(tooltip)});
  return *this;
}

NodeType& NodeType::output_list(std::string type, std::string name, std::string tooltip) {
  output(std::move(type), std::move(name), std::move(tooltip));
  outputs_.back().is_list = true;
  return *this;
}

NodeType& NodeType::validate(ValidateHook hook, std::vector<std::string> checked_by_hook) {
  validate_ = std::move(hook);
  checked_by_hook_ = std::move(checked_by_hook);
  return *this;
}

bool NodeType::has_hidden(Hidden hidden) const {
  return std::find(hidden_.begin(), hidden_.end(), hidden) != hidden_.end();
}

const InputSpec* NodeType::find_input(std::string_view name) const {
  for (const InputSpec& spec : inputs_) {
    if (spec.name() == name) return &spec;
  }
  return nullptr;
}

bool NodeType::hook_checks(std::string_view input) const {
  return std::find(checked_by_hook_.begin(), checked_by_hook_.end(), input) !=
         checked_by_hook_.end();
}

}  // namespace obscura::graph
