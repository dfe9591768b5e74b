// The declaration of a node as data: what /object_info, validation, the web form, the cache key and
// the documentation are made from. One node is one file: its declaration, its body and a registrar.
//
//   Result<NodeResult> run(NodeCall& call) { ... return NodeResult{latent}; }
//
//   const RegisterNode registered{NodeType("KSampler")
//       .label("KSampler").category("sampling").description("Removes noise from a latent.")
//       .input(socket("model", "MODEL"))
//       .input(integer("seed", 0).range(0, kMaxSeed).control_after_generate())
//       .input(number("cfg", 8.0).range(0.0, 100.0).step(0.1).round(0.01))
//       .input(choice("sampler_name", [](const Environment&) { return sampler_names(); }))
//       .optional(socket("mask", "MASK"))
//       .hidden(Hidden::kPrompt)
//       .output("LATENT")
//       .run(run)};
//
// Registrars run before main(), in no stated order across files: a list of options that another
// file's static object holds must come from a provider, which is called when the list is needed.
//
// Thread safety: a NodeType is a plain value, const once registered.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "graph/environment.h"
#include "graph/node_call.h"
#include "graph/value.h"

namespace obscura::graph {

// The largest seed that ComfyUI's sampling nodes take.
inline constexpr std::uint64_t kMaxSeed = 0xffffffffffffffff;

// The choices of a COMBO, in the order to show.
using OptionProvider = std::function<std::vector<std::string>(const Environment&)>;

// One input of a node. Made by socket(), integer(), number(), toggle(), text() or choice(), then
// refined.
class InputSpec {
 public:
  InputSpec(std::string name, std::string type) : name_(std::move(name)), type_(std::move(type)) {}

  // Inclusive bounds of INT and FLOAT.
  template <class Low, class High>
  requires std::is_arithmetic_v<Low> && std::is_arithmetic_v<High> InputSpec& range(Low low,
                                                                                    High high) {
    if (type_ == "FLOAT") {
      return option("min", static_cast<double>(low)).option("max", static_cast<double>(high));
    }
    return option("min", low).option("max", high);
  }
  InputSpec& default_value(const nlohmann::json& value) { return option("default", value); }
  // How far one click of the form's arrows goes; not enforced, as in ComfyUI.
  InputSpec& step(double step);
  InputSpec& round(double step) { return option("round", step); }
  InputSpec& no_rounding() { return option("round", false); }
  InputSpec& tooltip(std::string text) { return option("tooltip", std::move(text)); }
  InputSpec& multiline(bool on = true) { return option("multiline", on); }
  InputSpec& dynamic_prompts() { return option("dynamicPrompts", true); }
  InputSpec& control_after_generate() { return option("control_after_generate", true); }
  InputSpec& image_upload() { return option("image_upload", true); }
  // Evaluated only if the node's lazy hook asks for it.
  InputSpec& lazy() { return option("lazy", true); }
  // Any further key of ComfyUI's input options.
  InputSpec& option(const std::string& key, const nlohmann::json& value) {
    options_[key] = value;
    return *this;
  }
  InputSpec& choices(OptionProvider provider) {
    provider_ = std::move(provider);
    return *this;
  }

  const std::string& name() const { return name_; }
  const std::string& type() const { return type_; }
  bool required() const { return required_; }
  bool is_lazy() const { return options_.value("lazy", false); }
  bool is_choice() const { return static_cast<bool>(provider_); }
  // True if the workflow may hold the value itself; false for sockets, which want a link.
  bool takes_constant() const;
  std::vector<std::string> choices(const Environment& environment) const {
    return provider_(environment);
  }
  // ComfyUI's option object, without the choices.
  const nlohmann::ordered_json& options() const { return options_; }
  // The option "default"; none if it is not declared.
  std::optional<nlohmann::json> declared_default() const;

 private:
  friend class NodeType;
  std::string name_;
  std::string type_;
  bool required_ = true;
  nlohmann::ordered_json options_ = nlohmann::ordered_json::object();
  OptionProvider provider_;
};

// An input that wants a link: "MODEL", "IMAGE,MASK", "*".
InputSpec socket(std::string name, std::string type);
// INT. Without a default the form starts at 0.
InputSpec integer(std::string name, std::optional<std::int64_t> default_value = std::nullopt);
// FLOAT.
InputSpec number(std::string name, std::optional<double> default_value = std::nullopt);
// BOOLEAN.
InputSpec toggle(std::string name, std::optional<bool> default_value = std::nullopt);
// STRING.
InputSpec text(std::string name, std::optional<std::string> default_value = std::nullopt);
// COMBO: one of a list of strings.
InputSpec choice(std::string name, std::vector<std::string> options);
InputSpec choice(std::string name, OptionProvider options);

struct OutputSpec {
  std::string type;
  std::string name;
  bool is_list = false;
  std::string tooltip;
};

// Values that the engine itself supplies.
enum class Hidden { kPrompt, kExtraPngInfo, kUniqueId };

using NodeBody = std::function<Result<NodeResult>(NodeCall&)>;
// ComfyUI's IS_CHANGED: a text that stands for what lies outside of the inputs (a file's digest).
// Sees constants only; linked inputs are absent. No text: the node runs every time.
using FingerprintHook =
    std::function<Result<std::optional<std::string>>(const NodeInputs&, const Environment&)>;
// ComfyUI's VALIDATE_INPUTS: sees constants only. An error's message becomes the node's validation
// error.
using ValidateHook = std::function<Status(const NodeInputs&, const Environment&)>;
// ComfyUI's check_lazy_status: sees what was evaluated so far and names the lazy inputs that it
// needs as well.
using LazyHook = std::function<Result<std::vector<std::string>>(const NodeInputs&)>;

class NodeType {
 public:
  // The class name in workflow files.
  explicit NodeType(std::string id) : id_(std::move(id)) {}

  NodeType& label(std::string text) { return set(label_, std::move(text)); }
  // "sampling/custom": the menu's path.
  NodeType& category(std::string path) { return set(category_, std::move(path)); }
  NodeType& description(std::string text) { return set(description_, std::move(text)); }
  // Part of the cache key and of recipes: raise it when the same inputs begin to give another
  // result.
  NodeType& version(int version) { return set(version_, version); }
  NodeType& deprecated() { return set(deprecated_, true); }
  NodeType& experimental() { return set(experimental_, true); }
  // It has an effect of its own (a saved file), so that a workflow is run for it.
  NodeType& output_node() { return set(output_node_, true); }
  // INPUT_IS_LIST: called once with whole lists.
  NodeType& inputs_as_lists() { return set(inputs_as_lists_, true); }
  // Two equal nodes give two results (a counter, a random draw): the node's id becomes part of the
  // cache key.
  NodeType& not_idempotent() { return set(not_idempotent_, true); }

  NodeType& input(InputSpec spec);
  NodeType& optional(InputSpec spec);
  NodeType& hidden(Hidden hidden);
  // The name shown on the socket is the type, unless given.
  NodeType& output(std::string type, std::string name = "", std::string tooltip = "");
  NodeType& output_list(std::string type, std::string name = "", std::string tooltip = "");

  NodeType& run(NodeBody body) { return set(body_, std::move(body)); }
  NodeType& fingerprint(FingerprintHook hook) { return set(fingerprint_, std::move(hook)); }
  // `checked_by_hook` names inputs whose bounds and choices the hook checks in the engine's place.
  NodeType& validate(ValidateHook hook, std::vector<std::string> checked_by_hook = {});
  NodeType& lazy(LazyHook hook) { return set(lazy_, std::move(hook)); }

  const std::string& id() const { return id_; }
  const std::string& label() const { return label_.empty() ? id_ : label_; }
  const std::string& category() const { return category_; }
  const std::string& description() const { return description_; }
  int version() const { return version_; }
  bool is_deprecated() const { return deprecated_; }
  bool is_experimental() const { return experimental_; }
  bool is_output_node() const { return output_node_; }
  bool takes_lists() const { return inputs_as_lists_; }
  // The cache must tell apart two equal nodes.
  bool keyed_by_id() const { return not_idempotent_ || has_hidden(Hidden::kUniqueId); }
  bool has_hidden(Hidden hidden) const;
  const std::vector<InputSpec>& inputs() const { return inputs_; }
  // Null if there is none of that name.
  const InputSpec* find_input(std::string_view name) const;
  const std::vector<Hidden>& hidden() const { return hidden_; }
  const std::vector<OutputSpec>& outputs() const { return outputs_; }
  const NodeBody& body() const { return body_; }
  const FingerprintHook& fingerprint_hook() const { return fingerprint_; }
  const ValidateHook& validate_hook() const { return validate_; }
  bool hook_checks(std::string_view input) const;
  const LazyHook& lazy_hook() const { return lazy_; }

 private:
  template <class Member, class Argument>
  NodeType& set(Member& member, Argument&& value) {
    member = std::forward<Argument>(value);
    return *this;
  }

  std::string id_;
  std::string label_;
  std::string category_;
  std::string description_;
  int version_ = 1;
  bool deprecated_ = false;
  bool experimental_ = false;
  bool output_node_ = false;
  bool inputs_as_lists_ = false;
  bool not_idempotent_ = false;
  std::vector<InputSpec> inputs_;
  std::vector<Hidden> hidden_;
  std::vector<OutputSpec> outputs_;
  NodeBody body_;
  FingerprintHook fingerprint_;
  ValidateHook validate_;
  std::vector<std::string> checked_by_hook_;
  LazyHook lazy_;
};

}  // namespace obscura::graph
