// /sdapi/v1/samplers and the other lists of what a request may name.
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "server/a1111/routes.h"
#include "server/net/text.h"
#include "workflows/a1111_names.h"

namespace obscura::server {
namespace {

using nlohmann::ordered_json;

Response get_samplers(ServiceParts& parts, const Request&) {
  ordered_json list = ordered_json::array();
  for (const workflows::A1111Sampler& sampler : workflows::a1111_samplers(parts.studio.nodes())) {
    const ordered_json options = {{"scheduler", sampler.automatic_schedule}};
    list.push_back({{"name", sampler.name},
                    {"aliases", {"k_" + std::string(sampler.own)}},
                    {"options", options}});
  }
  return respond(list);
}

Response get_schedulers(ServiceParts& parts, const Request&) {
  ordered_json list = {{{"name", "automatic"},
                        {"label", "Automatic"},
                        {"aliases", nullptr},
                        {"default_rho", -1.0},
                        {"need_inner_model", false}}};
  for (const workflows::A1111Schedule& schedule :
       workflows::a1111_schedules(parts.studio.nodes())) {
    list.push_back({{"name", schedule.name},
                    {"label", schedule.label},
                    {"aliases", nullptr},
                    {"default_rho", schedule.name == "karras" ? 7.0 : -1.0},
                    {"need_inner_model", schedule.name != "karras"}});
  }
  return respond(list);
}

Response get_models(ServiceParts& parts, const Request& request) {
  ordered_json list = ordered_json::array();
  for (const ModelEntry& model : parts.studio.models(request.caller.project, "checkpoints")) {
    // A1111 gives absolute paths of its machine here; clients only show them.
    list.push_back({{"title", model.name},
                    {"model_name", std::filesystem::path(model.name).stem().string()},
                    {"hash", nullptr},
                    {"sha256", nullptr},
                    {"filename", model.name},
                    {"config", nullptr}});
  }
  return respond(list);
}

Response get_loras(ServiceParts& parts, const Request& request) {
  ordered_json list = ordered_json::array();
  const std::string& project = request.caller.project;
  for (const ModelEntry& model : parts.studio.models(project, "loras")) {
    const std::string stem = std::filesystem::path(model.name).stem().string();
    auto metadata = parts.studio.model_metadata(project, "loras", model.name);
    ordered_json facts = ordered_json::object();
    if (metadata.ok()) facts = *metadata;
    auto alias = facts.find("ss_output_name");
    list.push_back(
        {{"name", stem},
         {"alias", alias != facts.end() && alias->is_string() ? *alias : ordered_json(stem)},
         {"path", model.name},
         {"metadata", std::move(facts)}});
  }
  return respond(list);
}

Response get_styles(ServiceParts& parts, const Request& request) {
  ordered_json list = ordered_json::array();
  for (const PromptStyle& style : parts.studio.prompt_styles(request.caller.project)) {
    list.push_back(
        {{"name", style.name}, {"prompt", style.prompt}, {"negative_prompt", style.negative}});
  }
  return respond(list);
}

Response get_vaes(ServiceParts& parts, const Request& request) {
  ordered_json list = ordered_json::array();
  for (const ModelEntry& model : parts.studio.models(request.caller.project, "vae"))
    list.push_back({{"model_name", model.name}, {"filename", model.name}});
  return respond(list);
}

Response list_embeddings(ServiceParts& parts, const Request& request) {
  ordered_json loaded = ordered_json::object();
  for (const ModelEntry& model : parts.studio.models(request.caller.project, "embeddings")) {
    // What training wrote into a file is not looked at here.
    loaded[std::filesystem::path(model.name).stem().string()] = {{"step", nullptr},
                                                                 {"sd_checkpoint", nullptr},
                                                                 {"sd_checkpoint_name", nullptr},
                                                                 {"shape", nullptr},
                                                                 {"vectors", nullptr}};
  }
  return respond({{"loaded", std::move(loaded)}, {"skipped", ordered_json::object()}});
}

// The always-on scripts that requests may name; see workflows/a1111_fields.cpp.
ordered_json script_info() {
  constexpr std::pair<const char*, std::array<const char*, 6>> kInfo[] = {
      {"refiner", {"Refiner", "Checkpoint", "Switch at"}},
      {"sampler", {"Sampling steps", "Sampling method", "Schedule type"}},
      {"seed",
       {"Seed", "Extra", "Variation seed", "Variation strength", "Resize seed from width",
        "Resize seed from height"}}};
  ordered_json list = ordered_json::array();
  for (const bool img2img : {false, true}) {
    for (const auto& [name, labels] : kInfo) {
      ordered_json args = ordered_json::array();
      for (const char* label : labels) {
        if (label == nullptr) continue;
        args.push_back({{"label", label},
                        {"value", nullptr},
                        {"minimum", nullptr},
                        {"maximum", nullptr},
                        {"step", nullptr},
                        {"choices", nullptr}});
      }
      list.push_back({{"name", name},
                      {"is_alwayson", true},
                      {"is_img2img", img2img},
                      {"args", std::move(args)}});
    }
  }
  return list;
}
ordered_json upscalers() {
  ordered_json list = ordered_json::array();
  for (const char* name : {"None", "Lanczos", "Nearest"}) {
    list.push_back({{"name", name},
                    {"model_name", nullptr},
                    {"model_path", nullptr},
                    {"model_url", nullptr},
                    {"scale", 4.0}});
  }
  return list;
}

ordered_json latent_upscale_modes() {
  ordered_json list = ordered_json::array();
  for (const char* name :
       {"Latent", "Latent (bicubic)", "Latent (nearest)", "Latent (nearest-exact)"})
    list.push_back({{"name", name}});
  return list;
}

}  // namespace

void add_a1111_list_routes(Router& router, ServiceParts& parts) {
  auto add = [&](const char* name, auto answer) {
    router.add("GET", std::string("/sdapi/v1/") + name,
               [&parts, answer](const Request& request, const Captures&) -> Response {
                 return answer(parts, request);
               });
  };
  add("samplers", get_samplers);
  add("schedulers", get_schedulers);
  add("sd-models", get_models);
  add("loras", get_loras);
  add("prompt-styles", get_styles);
  add("sd-vae", get_vaes);
  add("embeddings", list_embeddings);
  auto add_fixed = [&](const char* name, const ordered_json& list) {
    add(name, [list](ServiceParts&, const Request&) { return respond(list); });
  };
  add_fixed("upscalers", upscalers());
  add_fixed("latent-upscale-modes", latent_upscale_modes());
  for (const char* name : {"hypernetworks", "face-restorers", "realesrgan-models", "extensions"})
    add_fixed(name, ordered_json::array());
  const ordered_json scripts = {"refiner", "sampler", "seed"};
  add_fixed("scripts", {{"txt2img", scripts}, {"img2img", scripts}});
  add_fixed("script-info", script_info());
}

}  // namespace obscura::server
