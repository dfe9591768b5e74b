// /sdapi/v1.
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>

#include <algorithm>

#include "base/files.h"
#include "graph/json_text.h"
#include "server/a1111.h"
#include "server/base64.h"
#include "server/comfyui.h"
#include "server/submission.h"

namespace obscura::server {
namespace {

using nlohmann::ordered_json;

// {error, detail, body, errors}, as A1111 answers.
Response a1111_error(int status, const std::string& detail) {
  return respond({{"error", status == 422 ? "Unprocessable Entity" : "Error"},
                  {"detail", detail},
                  {"body", ""},
                  {"errors", detail}},
                 status);
}
Response a1111_error(const Error& error) {
  const bool ours = error.kind() == ErrorKind::kIo || error.kind() == ErrorKind::kInternal;
  return a1111_error(ours ? 500 : 422, error.message());
}

Result<ordered_json> body_of(const Request& request) {
  if (request.body.empty()) return ordered_json::object();
  OBSCURA_ASSIGN(ordered_json body, graph::parse_json(request.body, {.bytes = kMaxUploadBytes}));
  if (!body.is_object()) return Error(ErrorKind::kInvalidInput, "wanted a JSON object");
  return body;
}

// The pictures of a job that is over, in the order of its output nodes.
struct Picture {
  std::string bytes;
  ordered_json texts;
};
Result<std::vector<Picture>> pictures_of(Api& api, const store::Job& job) {
  OBSCURA_ASSIGN(ordered_json outputs, graph::parse_json(job.outputs));
  std::vector<std::pair<int, ordered_json>> nodes;
  for (const auto& [id, ui] : outputs.items())
    if (ui.is_object() && ui.contains("images")) nodes.emplace_back(std::stoi(id), ui["images"]);
  std::sort(nodes.begin(), nodes.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  const ProjectFolders folders(api.data, job.project);
  std::vector<Picture> pictures;
  for (const auto& [id, images] : nodes) {
    for (const ordered_json& image : images) {
      const FileArea* area = folders.area(image.value("type", ""));
      if (area == nullptr) continue;
      const std::string subfolder = image.value("subfolder", "");
      const std::string name = image.value("filename", "");
      OBSCURA_ASSIGN(auto path, area->find(subfolder.empty() ? name : subfolder + "/" + name));
      OBSCURA_ASSIGN(MappedFile file, MappedFile::open(path));
      Picture picture;
      picture.bytes.assign(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
      auto texts = api.studio.picture_texts(picture.bytes);
      if (texts.ok()) picture.texts = std::move(texts).value();
      pictures.push_back(std::move(picture));
    }
  }
  return pictures;
}

std::string parameters_in(const ordered_json& texts) {
  auto found = texts.find("parameters");
  return texts.is_object() && found != texts.end() && found->is_string() ? *found : "";
}

ordered_json info_of(const A1111Job& job, const ordered_json& body,
                     const std::vector<Picture>& pictures, const std::string& version) {
  auto given = [&](const char* name) -> std::string {
    auto found = body.find(name);
    return found != body.end() && found->is_string() ? *found : "";
  };
  ordered_json seeds = ordered_json::array(), prompts = seeds, negatives = seeds, infotexts = seeds,
               subseeds = seeds;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    seeds.push_back(job.seed + i);
    subseeds.push_back(0);
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
          {"subseed", 0},
          {"all_subseeds", subseeds},
          {"subseed_strength", 0},
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

// Submits the workflow; `answer` makes the response of the job once it is over.
Response run(Api& api, const Request& request, const ordered_json& workflow,
             std::function<Response(const store::Job&)> answer) {
  Submission submission;
  submission.prompt = workflow;
  submission.source = "a1111";
  auto checked = check_submission(api.studio, request.caller, submission);
  if (!checked.ok()) return a1111_error(checked.error());
  if (!checked->job || !checked->verdict["node_errors"].empty()) {
    return a1111_error(
        422, checked->verdict.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  }
  Response response;
  response.later = [&api, job = *checked->job, answer = std::move(answer)](Respond respond) {
    auto finished = [&api, project = job.project, id = job.id, answer, respond] {
      auto over = api.jobs.find(project, id);
      if (!over.ok()) return respond(a1111_error(over.error()));
      if (!*over) return respond(a1111_error(500, "the job is gone"));
      if ((*over)->state == store::JobState::kFailed) {
        return respond(a1111_error(500, (*over)->error));
      }
      respond(answer(**over));
    };
    auto number = api.queue.submit(job, finished);
    if (!number.ok()) respond(a1111_error(number.error()));
  };
  return response;
}

Response make_pictures(Api& api, const Request& request, bool img2img) {
  auto body = body_of(request);
  if (!body.ok()) return a1111_error(body.error());
  auto job = parse_a1111(api, request, *body, img2img);
  if (!job.ok()) return a1111_error(job.error());
  return run(api, request, a1111_workflow(*job),
             [&api, job = *job, body = *body, img2img](const store::Job& over) {
               std::vector<Picture> pictures;
               // An interrupted job has none, as in A1111.
               if (over.state == store::JobState::kDone) {
                 auto made = pictures_of(api, over);
                 if (!made.ok()) return a1111_error(made.error());
                 pictures = std::move(made).value();
               }
               ordered_json images = ordered_json::array();
               const bool send = body.value("send_images", ordered_json(true)) != false;
               for (const Picture& picture : pictures)
                 if (send) images.push_back(encode_base64(picture.bytes));
               const ordered_json info = info_of(job, body, pictures, api.studio.version());
               return respond(
                   {{"images", std::move(images)},
                    {"parameters", parameters_of(job, body, img2img)},
                    {"info", info.dump(-1, ' ', false, ordered_json::error_handler_t::replace)}});
             });
}

// Enlarges one picture by the methods that need no model.
Response extra_single_image(Api& api, const Request& request) {
  auto body = body_of(request);
  if (!body.ok()) return a1111_error(body.error());
  auto picture = body->find("image");
  if (picture == body->end() || !picture->is_string()) {
    return a1111_error(422, "image: wanted base64");
  }
  auto bytes = a1111_picture(picture->get_ref<const std::string&>());
  if (!bytes.ok()) return a1111_error(bytes.error());
  auto png = api.studio.convert(*bytes, {.format = "png"});
  if (!png.ok()) return a1111_error(png.error());
  const std::string upscaler = body->value("upscaler_1", ordered_json("None")) == "None"
                                   ? "Lanczos"
                                   : body->value("upscaler_1", ordered_json("")).dump();
  const bool nearest = upscaler == "\"Nearest\"";
  if (!nearest && upscaler != "Lanczos" && upscaler != "\"Lanczos\"") {
    return a1111_error(422, "upscaler_1: there is no upscaler " + upscaler);
  }
  for (const char* name : {"gfpgan_visibility", "codeformer_visibility"}) {
    if (body->value(name, ordered_json(0)) != 0) {
      return a1111_error(422, std::string(name) + ": this program does not have it");
    }
  }
  const ProjectFolders folders(api.data, request.caller.project);
  auto name = folders.input.store("sdapi", new_uuid() + ".png", *png, true);
  if (!name.ok()) return a1111_error(name.error());
  auto number = [&](const char* key, double otherwise) {
    auto found = body->find(key);
    return found != body->end() && found->is_number() ? found->get<double>() : otherwise;
  };
  const char* method = nearest ? "nearest-exact" : "lanczos";
  ordered_json workflow;
  workflow["1"] = {{"class_type", "LoadImage"}, {"inputs", {{"image", "sdapi/" + *name}}}};
  const ordered_json source = ordered_json::array({"1", 0});
  if (number("resize_mode", 0) == 1) {
    workflow["2"] = {
        {"class_type", "ImageScale"},
        {"inputs",
         {{"image", source},
          {"upscale_method", method},
          {"width", static_cast<int>(number("upscaling_resize_w", 512))},
          {"height", static_cast<int>(number("upscaling_resize_h", 512))},
          {"crop",
           body->value("upscaling_crop", ordered_json(true)) == true ? "center" : "disabled"}}}};
  } else {
    workflow["2"] = {{"class_type", "ImageScaleBy"},
                     {"inputs",
                      {{"image", source},
                       {"upscale_method", method},
                       {"scale_by", number("upscaling_resize", 2)}}}};
  }
  workflow["3"] = {{"class_type", "PreviewImage"},
                   {"inputs", {{"images", ordered_json::array({"2", 0})}}}};
  return run(api, request, workflow, [&api](const store::Job& over) {
    auto made = pictures_of(api, over);
    if (!made.ok()) return a1111_error(made.error());
    if (made->empty()) return a1111_error(500, "it was interrupted");
    return respond({{"html_info", ""}, {"image", encode_base64(made->front().bytes)}});
  });
}

Response png_info(Api& api, const Request& request) {
  auto body = body_of(request);
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
  return respond(
      {{"info", infotext}, {"items", *texts}, {"parameters", a1111_read_infotext(infotext)}});
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

Response get_options(Api& api, const Request& request) {
  auto options = a1111_options(api, request.caller.project);
  return options.ok() ? respond(*options) : a1111_error(options.error());
}

Response post_options(Api& api, const Request& request) {
  auto body = body_of(request);
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

ordered_json a1111_read_infotext(const std::string& infotext) {
  ordered_json parameters = ordered_json::object();
  const std::size_t last = infotext.rfind('\n');
  if (last == std::string::npos) return parameters;
  std::string_view head = std::string_view(infotext).substr(0, last);
  const std::size_t negative = head.find("\nNegative prompt: ");
  parameters["Prompt"] = head.substr(0, negative);
  parameters["Negative prompt"] =
      negative == std::string_view::npos ? "" : head.substr(negative + 18);
  std::string_view rest = std::string_view(infotext).substr(last + 1);
  while (!rest.empty()) {
    const std::size_t colon = rest.find(": ");
    if (colon == std::string_view::npos) break;
    const std::string key(rest.substr(0, colon));
    rest.remove_prefix(colon + 2);
    std::size_t end = rest.find(", ");
    if (rest.starts_with('"')) {
      // Quoted as JSON; a quote within is escaped.
      std::size_t quote = 1;
      while (quote < rest.size() && rest[quote] != '"') quote += rest[quote] == '\\' ? 2 : 1;
      end = rest.find(", ", std::min(quote, rest.size()));
    }
    parameters[key] = rest.substr(0, end);
    rest = end == std::string_view::npos ? "" : rest.substr(end + 2);
  }
  return parameters;
}

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
  add("POST", "extra-single-image", extra_single_image);
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
  for (const char* name : {"sd-vae", "hypernetworks", "face-restorers", "realesrgan-models",
                           "prompt-styles", "extensions", "script-info"}) {
    add("GET", name, [](Api&, const Request&) { return respond(ordered_json::array()); });
  }
  add("GET", "scripts", [](Api&, const Request&) {
    return respond({{"txt2img", ordered_json::array()}, {"img2img", ordered_json::array()}});
  });
  add("GET", "embeddings", [](Api&, const Request&) {
    return respond({{"loaded", ordered_json::object()}, {"skipped", ordered_json::object()}});
  });
  add("GET", "cmd-flags", [](Api&, const Request&) {
    return respond({{"api", true}, {"nowebui", false}});
  });
  // Folders are looked through each time anyhow.
  for (const char* name : {"refresh-checkpoints", "refresh-loras", "refresh-vae"}) {
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
