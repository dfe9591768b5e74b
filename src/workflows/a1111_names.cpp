#include "workflows/a1111_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/lower_case.h"
#include "graph/environment.h"
#include "graph/object_info.h"
#include "workflows/a1111_fields.h"

namespace obscura::workflows {
namespace {

using nlohmann::ordered_json;

constexpr A1111Sampler kSamplers[] = {{"Euler a", "euler_ancestral", "normal"},
                                      {"Euler", "euler", "normal"},
                                      {"LMS", "lms", "normal"},
                                      {"Heun", "heun", "normal"},
                                      {"DPM2", "dpm_2", "karras"},
                                      {"DPM2 a", "dpm_2_ancestral", "karras"},
                                      {"DPM++ 2S a", "dpmpp_2s_ancestral", "karras"},
                                      {"DPM++ 2M", "dpmpp_2m", "karras"},
                                      {"DPM++ SDE", "dpmpp_sde", "karras"},
                                      {"DPM++ 2M SDE", "dpmpp_2m_sde", "exponential"},
                                      {"DPM++ 2M SDE Heun", "dpmpp_2m_sde_heun", "exponential"},
                                      {"DPM++ 3M SDE", "dpmpp_3m_sde", "exponential"},
                                      {"DPM fast", "dpm_fast", "normal"},
                                      {"DPM adaptive", "dpm_adaptive", "normal"},
                                      {"LCM", "lcm", "normal"},
                                      {"DDIM", "ddim", "ddim_uniform"},
                                      {"DDIM CFG++", "euler_cfg_pp", "ddim_uniform"},
                                      {"UniPC", "uni_pc", "normal"}};
constexpr A1111Schedule kSchedules[] = {{"uniform", "normal", "Uniform"},
                                        {"karras", "karras", "Karras"},
                                        {"exponential", "exponential", "Exponential"},
                                        {"sgm_uniform", "sgm_uniform", "SGM Uniform"},
                                        {"kl_optimal", "kl_optimal", "KL Optimal"},
                                        {"simple", "simple", "Simple"},
                                        {"normal", "normal", "Normal"},
                                        {"ddim", "ddim_uniform", "DDIM"},
                                        {"beta", "beta", "Beta"}};

// The choices of one of KSampler's inputs, as /object_info lists them.
std::vector<std::string> choices(const graph::NodeRegistry& nodes, const char* input) {
  const graph::NodeType* type = nodes.find("KSampler");
  std::vector<std::string> names;
  if (type == nullptr) return names;
  const graph::Environment nothing;
  const ordered_json info = graph::object_info(*type, nothing);
  for (const ordered_json& name : info["input"]["required"][input][0])
    if (name.is_string()) names.push_back(name);
  return names;
}

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::vector<A1111Sampler> a1111_samplers(const graph::NodeRegistry& nodes) {
  const std::vector<std::string> own = choices(nodes, "sampler_name");
  std::vector<A1111Sampler> samplers;
  for (const A1111Sampler& sampler : kSamplers)
    if (holds(own, sampler.own)) samplers.push_back(sampler);
  return samplers;
}

std::vector<A1111Schedule> a1111_schedules(const graph::NodeRegistry& nodes) {
  const std::vector<std::string> own = choices(nodes, "scheduler");
  std::vector<A1111Schedule> schedules;
  for (const A1111Schedule& schedule : kSchedules)
    if (holds(own, schedule.own)) schedules.push_back(schedule);
  return schedules;
}

Result<std::pair<std::string, std::string>> find_a1111_sampler(const graph::NodeRegistry& nodes,
                                                               std::string name,
                                                               const std::string& schedule) {
  if (name.empty()) name = "Euler";
  std::string wanted = lower_case(schedule);
  // Before 1.9 the schedule was part of the sampler's name.
  for (const auto& [ending, own] :
       {std::pair(" karras", "karras"), std::pair(" exponential", "exponential")}) {
    if (!lower_case(name).ends_with(ending)) continue;
    name.resize(name.size() - std::string_view(ending).size());
    wanted = own;
  }
  const auto samplers = a1111_samplers(nodes);
  auto sampler = std::find_if(samplers.begin(), samplers.end(), [&](const A1111Sampler& entry) {
    return lower_case(entry.name) == lower_case(name) || entry.own == name ||
           "k_" + std::string(entry.own) == name;
  });
  std::string own, automatic = "normal";
  if (sampler != samplers.end()) {
    own = sampler->own;
    automatic = sampler->automatic_schedule;
  } else if (holds(choices(nodes, "sampler_name"), name)) {
    own = name;
  } else {
    return invalid_field("sampler_name",
                         fmt::format("there is no sampler '{}'", name.substr(0, 60)));
  }
  if (wanted.empty() || wanted == "automatic") return std::pair(own, automatic);
  for (const A1111Schedule& entry : a1111_schedules(nodes)) {
    if (wanted == entry.name || wanted == lower_case(entry.label)) {
      return std::pair(own, std::string(entry.own));
    }
  }
  if (holds(choices(nodes, "scheduler"), wanted)) return std::pair(own, wanted);
  return invalid_field("scheduler",
                       fmt::format("there is no schedule '{}'", schedule.substr(0, 60)));
}

// The file whose name, or its stem, is `name`.
std::optional<std::string> find_a1111_model(const A1111Names& names, const char* kind,
                                            std::string_view name) {
  // "file.safetensors [0123456789]", as /sd-models titles them.
  if (const std::size_t bracket = name.rfind(" ["); bracket != std::string_view::npos) {
    name = name.substr(0, bracket);
  }
  for (std::string& model : names.models(kind)) {
    const std::filesystem::path path(model);
    if (model == name || path.stem() == name || path.filename() == name) return std::move(model);
  }
  if (!names.keep_unknown_models) return std::nullopt;
  const bool whole =
      lower_case(name).ends_with(".safetensors") || lower_case(name).ends_with(".ckpt");
  return std::string(name) + (whole ? "" : ".safetensors");
}

}  // namespace obscura::workflows
