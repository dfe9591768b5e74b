#include "workflows/a1111_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <utility>

#include "base/base64.h"
#include "base/lower_case.h"

namespace obscura::workflows {
namespace {

using nlohmann::ordered_json;

bool says_something(const ordered_json& value) {
  if (value.is_object()) {
    // Clients name scripts of which they ask nothing: {"ControlNet": {"args": []}}.
    return std::any_of(value.begin(), value.end(), [](const ordered_json& script) {
      auto args = script.is_object() ? script.find("args") : script.end();
      return !script.is_object() || (args != script.end() && !args->empty());
    });
  }
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value != 0;
  if (value.is_string()) return !value.get_ref<const std::string&>().empty() && value != "None";
  return !value.empty();
}

// Three of A1111's own always-on scripts are but fields of the request: [list of their names].
struct ScriptFields {
  std::string_view script;
  std::array<const char*, 6> fields;  // null: not looked at; the last ones may be missing
  int enabled;                        // which argument says whether the script is on; -1: always
};
constexpr ScriptFields kScripts[] = {
    {"seed",
     {"seed", nullptr, "subseed", "subseed_strength", "seed_resize_from_w", "seed_resize_from_h"},
     -1},
    {"refiner", {nullptr, "refiner_checkpoint", "refiner_switch_at", nullptr, nullptr, nullptr}, 0},
    {"sampler", {"steps", "sampler_name", "scheduler", nullptr, nullptr, nullptr}, -1}};

}  // namespace

Error invalid_field(std::string_view field, const std::string& why) {
  return Error(ErrorKind::kInvalidInput, fmt::format("{}: {}", field, why));
}

std::string A1111Fields::text(const char* name, const char* otherwise) {
  const ordered_json* value = find(name);
  if (value == nullptr) return otherwise;
  if (value->is_string()) return *value;
  return fail(name, "a text"), otherwise;
}

double A1111Fields::number(const char* name, double otherwise, double least, double most) {
  const ordered_json* value = find(name);
  if (value == nullptr) return otherwise;
  if (value->is_number() && value->get<double>() >= least && value->get<double>() <= most) {
    return *value;
  }
  return fail(name, fmt::format("a number from {} to {}", least, most)), otherwise;
}

int A1111Fields::whole(const char* name, int otherwise, int least, int most) {
  const double value = number(name, otherwise, least, most);
  if (value == std::floor(value)) return static_cast<int>(value);
  return fail(name, "a whole number"), otherwise;
}

bool A1111Fields::flag(const char* name, bool otherwise) {
  const ordered_json* value = find(name);
  if (value == nullptr) return otherwise;
  if (value->is_boolean()) return *value;
  if (value->is_number()) return *value != 0;
  return fail(name, "true or false"), otherwise;
}

const ordered_json* A1111Fields::find(const char* name) const {
  auto found = body_.find(name);
  return found == body_.end() || found->is_null() ? nullptr : &*found;
}

void A1111Fields::fail(const char* name, const std::string& wanted) {
  if (error_) return;
  error_ = invalid_field(
      name,
      "wanted " + wanted + ", found " +
          body_[name].dump(-1, ' ', false, ordered_json::error_handler_t::replace).substr(0, 60));
}

Status refuse_what_is_missing(const A1111Fields& fields) {
  for (const char* name :
       {"restore_faces", "tiling", "hr_checkpoint_name", "latent_mask", "firstphase_width",
        "firstphase_height", "disable_extra_networks", "s_churn", "s_min_uncond", "infotext"}) {
    const ordered_json* value = fields.find(name);
    if (value != nullptr && says_something(*value)) {
      return invalid_field(name, "this program does not have it");
    }
  }
  // The values that ask for nothing.
  constexpr std::pair<const char*, double> kNeutral[] = {{"seed_resize_from_h", 0},
                                                         {"seed_resize_from_w", 0},
                                                         {"initial_noise_multiplier", 1},
                                                         {"s_noise", 1}};
  for (const auto& [name, neutral] : kNeutral) {
    const ordered_json* value = fields.find(name);
    if (value != nullptr && !(value->is_number() && (*value == neutral || *value == -1))) {
      return invalid_field(name, "this program does not have it");
    }
  }
  if (const ordered_json* name = fields.find("script_name");
      name != nullptr && says_something(*name)) {
    return invalid_field(
        "script_name",
        fmt::format("there is no script {}: this program has none; a workflow with the "
                    "nodes GridAxes and ImageGrid makes an X/Y/Z plot",
                    name->dump().substr(0, 60)));
  }
  return {};
}

Result<ordered_json> with_scripts(const ordered_json& body) {
  ordered_json all = body;
  auto scripts = body.find("alwayson_scripts");
  if (scripts == body.end() || !scripts->is_object()) return all;
  for (const auto& [name, script] : scripts->items()) {
    if (!says_something(ordered_json{{name, script}})) continue;
    const std::string wanted = lower_case(name);
    const auto* known = std::find_if(std::begin(kScripts), std::end(kScripts),
                                     [&](const auto& entry) { return entry.script == wanted; });
    if (known == std::end(kScripts) || !script["args"].is_array()) {
      return invalid_field(
          "alwayson_scripts",
          fmt::format("there is no script '{}': this program has Refiner, Sampler and "
                      "Seed, with a list of arguments",
                      name.substr(0, 60)));
    }
    const ordered_json& args = script["args"];
    if (known->enabled >= 0 && args[static_cast<std::size_t>(known->enabled)] != true) continue;
    for (std::size_t i = 0; i < std::min(args.size(), known->fields.size()); ++i)
      if (known->fields[i] != nullptr) all[known->fields[i]] = args[i];
  }
  return all;
}

Result<std::string> a1111_image(const std::string& text) {
  std::string_view base64 = text;
  if (base64.starts_with("data:")) {
    const std::size_t comma = base64.find(',');
    if (comma == std::string_view::npos) {
      return Error(ErrorKind::kInvalidInput, "wanted base64 after 'data:…,'");
    }
    base64 = base64.substr(comma + 1);
  } else if (base64.starts_with("http:") || base64.starts_with("https:")) {
    return Error(ErrorKind::kInvalidInput,
                 "wanted the image itself in base64: this program fetches nothing");
  }
  return decode_base64(base64);
}

}  // namespace obscura::workflows
