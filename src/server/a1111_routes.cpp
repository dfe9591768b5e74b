// /sdapi/v1.
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <array>

#include "graph/json_text.h"
#include "server/a1111.h"
#include "server/a1111_run.h"
#include "server/base64.h"
#include "server/comfyui.h"

namespace obscura::server {
namespace {

using nlohmann::ordered_json;

std::string parameters_in(const ordered_json& texts) {
  auto found = texts.find("parameters");
  return texts.is_object() && found != texts.end() && found->is_string() ? *found : "";
}

ordered_json info_of(const A1111Job& job, const ordered_json& body,
                     const std::vector<A1111Picture>& pictures, const std::string& version) {
  auto given = [&](const char* name) -> std::string {
    auto found = body.find(name);
    return found != body.end() && found->is_string() ? *found : "";
  };
  ordered_json seeds = ordered_json::array(), prompts = seeds, negatives = seeds, infotexts = seeds,
               subseeds = seeds;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    seeds.push_back(job.seed + (job.subseed_strength > 0 ? 0 : i));
    subseeds.push_back(job.subseed + i);
    prompts.push_back(given("prompt"));
    negatives.push_back(given("negative_prompt"));
    infotexts.push_back(parameters_in(pictures[i].texts));
  }
  return {{"prompt", given("prompt")},
          {"all_prompts", prompts},
          {"negative_prompt", given("negative_prompt")},
          {"all_negative_prompts", negatives},
          {"seed", job.seed},
          {"all_seeds", seeds},
          {"subseed", job.subseed},
          {"all_subseeds", subseeds},
          {"subseed_strength", job.subseed_strength},
          {"styles", job.styles},
          {"width", job.width},
          {"height", job.height},
          {"sampler_name", job.sampler},
          {"cfg_scale", job.cfg},
          {"steps", job.steps},
          {"batch_size", job.batch_size},
          {"restore_faces", false},
          {"sd_model_name", std::filesystem::path(job.checkpoint).stem().string()},
          {"sd_model_hash", ""},
          {"sd_vae_name", nullptr},
          {"sd_vae_hash", nullptr},
          {"denoising_strength", job.start || job.hires ? ordered_json(job.denoise) : nullptr},
          {"extra_generation_params", ordered_json::object()},
          {"index_of_first_image", 0},
          {"infotexts", infotexts},
          {"styles", ordered_json::array()},
          {"clip_skip", job.clip_skip},
          {"is_using_inpainting_conditioning", false},
          {"version", "Obscura " + version}};
}

// What the request asked for, with what stands for the rest.
ordered_json parameters_of(const A1111Job& job, ordered_json body, bool img2img) {
  ordered_json parameters = {{"prompt", ""},
                             {"negative_prompt", ""},
                             {"seed", -1},
                             {"sampler_name", nullptr},
                             {"scheduler", nullptr},
                             {"batch_size", job.batch_size},
                             {"n_iter", job.n_iter},
                             {"steps", job.steps},
                             {"cfg_scale", job.cfg},
                             {"width", job.width},
                             {"height", job.height},
                             {"denoising_strength", job.denoise},
                             {"send_images", true},
                             {"save_images", job.save},
                             {"override_settings", ordered_json::object()},
                             {"alwayson_scripts", ordered_json::object()}};
  const bool keep = body.value("include_init_images", ordered_json(false)) == true;
  parameters.update(body);
  if (img2img && !keep) parameters["init_images"] = parameters["mask"] = nullptr;
  return parameters;
}

Response make_pictures(Api& api, const Request& request, bool img2img) {
  auto body = a1111_body(request);
  if (!body.ok()) return a1111_error(body.error());
  auto job = parse_a1111(api, request, *body, img2img);
  if (!job.ok()) return a1111_error(job.error());
  return run_a1111(api, request, a1111_workflow(*job),
                   [&api, job = *job, body = *body, img2img](const store::Job& over) {
                     std::vector<A1111Picture> pictures;
                     // An interrupted job has none, as in A1111.
                     if (over.state == store::JobState::kDone) {
                       auto made = a1111_pictures(api, over);
                       if (!made.ok()) return a1111_error(made.error());
                       pictures = std::move(made).value();
                     }
                     ordered_json images = ordered_json::array();
                     const bool send = body.value("send_images", ordered_json(true)) != false;
                     for (const A1111Picture& picture : pictures)
                       if (send) images.push_back(encode_base64(picture.bytes));
                     const ordered_json info = info_of(job, body, pictures, api.studio.version());
                     return respond({{"images", std::move(images)},
                                     {"parameters", parameters_of(job, body, img2img)},
                                     {"info", info.dump(-1, ' ', false,
                                                        ordered_json::error_handler_t::replace)}});
                   });
}

Response png_info(Api& api, const Request& request) {
  auto body = a1111_body(request);
  if (!body.ok()) return a1111_error(body.error());
  auto picture = body->find("image");
  if (picture == body->end() || !picture->is_string()) {
    return a1111_error(422, "image: wanted base64");
  }
  auto bytes = a1111_picture(picture->get_ref<const std::string&>());
  if (!bytes.ok()) return a1111_error(bytes.error());
  auto texts = api.studio.picture_texts(*bytes);
  if (!texts.ok()) return a1111_error(texts.error());
  const std::string infotext = parameters_in(*texts);
  ordered_json answer = {
      {"info", infotext}, {"items", *texts}, {"parameters", a1111_read_infotext(infotext)}};
  // What A1111 does not answer: the workflow that the parameters come to, for a page to open.
  A1111Names names = a1111_names(api, request.caller.project);
  names.keep_unknown_models = true;
  if (auto workflow = a1111_workflow_of(infotext, std::move(names)); workflow.ok()) {
    answer["workflow"] = std::move(workflow->prompt);
    answer["left_out"] = std::move(workflow->left_out);
  }
  return respond(answer);
}

Response get_progress(Api& api, const Request& request) {
  const auto running = api.queue.running();
  const bool own = running && running->project() == request.caller.project;
  double done = 0, eta = 0;
  int step = 0, steps = 0;
  ordered_json picture = nullptr;
  if (own) {
    const JobReport::Progress progress = running->progress_so_far();
    step = static_cast<int>(progress.value);
    steps = static_cast<int>(progress.max);
    if (steps > 0) done = static_cast<double>(step) / steps;
    const double elapsed = static_cast<double>(now_ms() - running->started_ms()) / 1000;
    if (done > 0) eta = elapsed / done - elapsed;
    const std::string* skip = request.parameter("skip_current_image");
    if (!progress.preview.empty() && (skip == nullptr || *skip != "true")) {
      picture = encode_base64(progress.preview);
    }
  }
  return respond({{"progress", done},
                  {"eta_relative", eta},
                  {"state",
                   {{"skipped", false},
                    {"interrupted", false},
                    {"stopping_generation", false},
                    {"job", own ? running->id() : ""},
                    {"job_count", api.jobs.remaining(request.caller.project)},
                    {"job_timestamp", "0"},
                    {"job_no", 0},
                    {"sampling_step", step},
                    {"sampling_steps", steps}}},
                  {"current_image", std::move(picture)},
                  {"textinfo", nullptr}});
}

Response get_samplers(Api& api) {
  ordered_json list = ordered_json::array();
  for (const A1111Sampler& sampler : a1111_samplers(api.studio.nodes())) {
    const ordered_json options = {{"scheduler", sampler.automatic_schedule}};
    list.push_back({{"name", sampler.name},
                    {"aliases", {"k_" + std::string(sampler.own)}},
                    {"options", options}});
  }
  return respond(list);
}

Response get_schedulers(Api& api) {
  ordered_json list = {{{"name", "automatic"},
                        {"label", "Automatic"},
                        {"aliases", nullptr},
                        {"default_rho", -1.0},
                        {"need_inner_model", false}}};
  for (const A1111Schedule& schedule : a1111_schedules(api.studio.nodes())) {
    list.push_back({{"name", schedule.name},
                    {"label", schedule.label},
                    {"aliases", nullptr},
                    {"default_rho", schedule.name == "karras" ? 7.0 : -1.0},
                    {"need_inner_model", schedule.name != "karras"}});
  }
  return respond(list);
}

Response get_models(Api& api, const Request& request) {
  ordered_json list = ordered_json::array();
  for (const ModelEntry& model : api.studio.models(request.caller.project, "checkpoints")) {
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

Response get_loras(Api& api, const Request& request) {
  ordered_json list = ordered_json::array();
  const std::string& project = request.caller.project;
  for (const ModelEntry& model : api.studio.models(project, "loras")) {
    const std::string stem = std::filesystem::path(model.name).stem().string();
    auto metadata = api.studio.model_metadata(project, "loras", model.name);
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

Response get_styles(Api& api, const Request& request) {
  ordered_json list = ordered_json::array();
  for (const PromptStyle& style : api.studio.prompt_styles(request.caller.project)) {
    list.push_back(
        {{"name", style.name}, {"prompt", style.prompt}, {"negative_prompt", style.negative}});
  }
  return respond(list);
}

Response get_vaes(Api& api, const Request& request) {
  ordered_json list = ordered_json::array();
  for (const ModelEntry& model : api.studio.models(request.caller.project, "vae"))
    list.push_back({{"model_name", model.name}, {"filename", model.name}});
  return respond(list);
}

Response list_embeddings(Api& api, const Request& request) {
  ordered_json loaded = ordered_json::object();
  for (const ModelEntry& model : api.studio.models(request.caller.project, "embeddings")) {
    // What training wrote into a file is not looked at here.
    loaded[std::filesystem::path(model.name).stem().string()] = {{"step", nullptr},
                                                                 {"sd_checkpoint", nullptr},
                                                                 {"sd_checkpoint_name", nullptr},
                                                                 {"shape", nullptr},
                                                                 {"vectors", nullptr}};
  }
  return respond({{"loaded", std::move(loaded)}, {"skipped", ordered_json::object()}});
}

// The always-on scripts that requests may name; see a1111_request.cpp.
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

Response get_options(Api& api, const Request& request) {
  auto options = a1111_options(api, request.caller.project);
  return options.ok() ? respond(*options) : a1111_error(options.error());
}

Response post_options(Api& api, const Request& request) {
  auto body = a1111_body(request);
  if (!body.ok()) return a1111_error(body.error());
  auto options = a1111_options(api, request.caller.project);
  if (!options.ok()) return a1111_error(options.error());
  options->update(*body);
  Status set =
      api.accounts.set("a1111.options." + request.caller.project,
                       options->dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  return set.ok() ? respond(nullptr) : a1111_error(set.error());
}

Response get_memory() {
  struct sysinfo memory {};
  ::sysinfo(&memory);
  const std::uint64_t total = std::uint64_t{memory.totalram} * memory.mem_unit;
  const std::uint64_t free = std::uint64_t{memory.freeram} * memory.mem_unit;
  return respond({{"ram", {{"free", free}, {"used", total - free}, {"total", total}}},
                  {"cuda", ordered_json::object()}});
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

void add_a1111_routes(Router& router, Api& api) {
  auto add = [&](const char* method, const char* name, auto answer) {
    router.add(method, std::string("/sdapi/v1/") + name,
               [&api, answer](const Request& request, const Captures&) -> Response {
                 return answer(api, request);
               });
  };
  add("POST", "txt2img",
      [](Api& own, const Request& request) { return make_pictures(own, request, false); });
  add("POST", "img2img",
      [](Api& own, const Request& request) { return make_pictures(own, request, true); });
  add_a1111_extras_routes(router, api);
  add("POST", "png-info", png_info);
  add("GET", "progress", get_progress);
  for (const char* name : {"interrupt", "skip"}) {
    add("POST", name, [](Api& own, const Request& request) {
      own.queue.interrupt(request.caller.project, std::nullopt);
      return respond(ordered_json::object());
    });
  }
  add("GET", "options", get_options);
  add("POST", "options", post_options);
  add("GET", "samplers", [](Api& own, const Request&) { return get_samplers(own); });
  add("GET", "schedulers", [](Api& own, const Request&) { return get_schedulers(own); });
  add("GET", "sd-models", get_models);
  add("GET", "loras", get_loras);
  add("GET", "upscalers", [](Api&, const Request&) { return respond(upscalers()); });
  add("GET", "latent-upscale-modes",
      [](Api&, const Request&) { return respond(latent_upscale_modes()); });
  add("GET", "memory", [](Api&, const Request&) { return get_memory(); });
  for (const char* name : {"hypernetworks", "face-restorers", "realesrgan-models", "extensions"}) {
    add("GET", name, [](Api&, const Request&) { return respond(ordered_json::array()); });
  }
  add("GET", "prompt-styles", get_styles);
  add("GET", "sd-vae", get_vaes);
  add("GET", "embeddings", list_embeddings);
  add("GET", "scripts", [](Api&, const Request&) {
    const ordered_json names = {"refiner", "sampler", "seed"};
    return respond({{"txt2img", names}, {"img2img", names}});
  });
  add("GET", "script-info", [](Api&, const Request&) { return respond(script_info()); });
  add("GET", "cmd-flags", [](Api&, const Request&) {
    return respond({{"api", true}, {"nowebui", false}});
  });
  // Folders are looked through each time anyhow.
  for (const char* name :
       {"refresh-checkpoints", "refresh-loras", "refresh-vae", "refresh-embeddings"}) {
    add("POST", name, [](Api&, const Request&) { return respond(nullptr); });
  }
  add("POST", "unload-checkpoint", [](Api& own, const Request&) {
    own.queue.release(true, false);
    return respond(ordered_json::object());
  });
  add("POST", "reload-checkpoint",
      [](Api&, const Request&) { return respond(ordered_json::object()); });
}

}  // namespace obscura::server
