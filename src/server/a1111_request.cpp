// Reading A1111's requests.
#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/hash.h"
#include "graph/json_text.h"
#include "graph/object_info.h"
#include "server/a1111.h"
#include "server/base64.h"
#include "server/project_folders.h"
#include "server/text.h"

namespace obscura::server {
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

Error invalid(std::string_view field, const std::string& why) {
  return Error(ErrorKind::kInvalidInput, fmt::format("{}: {}", field, why));
}

// Fields of the request, each with the value that stands for a missing one. The first that is not
// of its type is remembered.
class Fields {
 public:
  explicit Fields(const ordered_json& body) : body_(body) {}

  std::string text(const char* name, const char* otherwise = "") {
    const ordered_json* value = find(name);
    if (value == nullptr) return otherwise;
    if (value->is_string()) return *value;
    return fail(name, "a text"), otherwise;
  }
  double number(const char* name, double otherwise, double least, double most) {
    const ordered_json* value = find(name);
    if (value == nullptr) return otherwise;
    if (value->is_number() && value->get<double>() >= least && value->get<double>() <= most) {
      return *value;
    }
    return fail(name, fmt::format("a number from {} to {}", least, most)), otherwise;
  }
  int whole(const char* name, int otherwise, int least, int most) {
    const double value = number(name, otherwise, least, most);
    if (value == std::floor(value)) return static_cast<int>(value);
    return fail(name, "a whole number"), otherwise;
  }
  bool flag(const char* name, bool otherwise = false) {
    const ordered_json* value = find(name);
    if (value == nullptr) return otherwise;
    if (value->is_boolean()) return *value;
    if (value->is_number()) return *value != 0;
    return fail(name, "true or false"), otherwise;
  }
  const ordered_json* find(const char* name) const {
    auto found = body_.find(name);
    return found == body_.end() || found->is_null() ? nullptr : &*found;
  }
  Status status() const { return error_ ? Status(*error_) : Status(); }

 private:
  void fail(const char* name, const std::string& wanted) {
    if (error_) return;
    error_ = invalid(
        name,
        "wanted " + wanted + ", found " +
            body_[name].dump(-1, ' ', false, ordered_json::error_handler_t::replace).substr(0, 60));
  }
  const ordered_json& body_;
  std::optional<Error> error_;
};

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

// Nothing that would change the picture is left out in silence.
Status refuse_what_is_missing(const Fields& fields) {
  for (const char* name :
       {"restore_faces", "tiling", "hr_checkpoint_name", "latent_mask", "firstphase_width",
        "firstphase_height", "disable_extra_networks", "s_churn", "s_min_uncond", "infotext"}) {
    const ordered_json* value = fields.find(name);
    if (value != nullptr && says_something(*value)) {
      return invalid(name, "this program does not have it");
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
      return invalid(name, "this program does not have it");
    }
  }
  if (const ordered_json* name = fields.find("script_name");
      name != nullptr && says_something(*name)) {
    return invalid("script_name",
                   fmt::format("there is no script {}: this program has none; a workflow with the "
                               "nodes GridAxes and ImageGrid makes an X/Y/Z plot",
                               name->dump().substr(0, 60)));
  }
  return {};
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

// The request with what its always-on scripts say in the fields that they stand for.
Result<ordered_json> with_scripts(const ordered_json& body) {
  ordered_json all = body;
  auto scripts = body.find("alwayson_scripts");
  if (scripts == body.end() || !scripts->is_object()) return all;
  for (const auto& [name, script] : scripts->items()) {
    if (!says_something(ordered_json{{name, script}})) continue;
    const std::string wanted = lower(name);
    const auto* known = std::find_if(std::begin(kScripts), std::end(kScripts),
                                     [&](const auto& entry) { return entry.script == wanted; });
    if (known == std::end(kScripts) || !script["args"].is_array()) {
      return invalid("alwayson_scripts",
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

// The file whose name, or its stem, is `name`.
std::optional<std::string> model_called(const A1111Names& names, const char* kind,
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
  const bool whole = lower(name).ends_with(".safetensors") || lower(name).ends_with(".ckpt");
  return std::string(name) + (whole ? "" : ".safetensors");
}

// Takes "<lora:name:weight:text weight>" out of the prompt.
Status take_loras(const A1111Names& names, std::string& prompt, std::vector<A1111Lora>& loras) {
  for (std::size_t at = prompt.find("<lora:"); at != std::string::npos;
       at = prompt.find("<lora:", at)) {
    const std::size_t end = prompt.find('>', at);
    if (end == std::string::npos) return {};
    std::vector<std::string> parts;
    std::string_view rest = std::string_view(prompt).substr(at + 6, end - at - 6);
    while (!rest.empty()) {
      const std::size_t colon = rest.find(':');
      parts.emplace_back(rest.substr(0, colon));
      rest = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
    }
    if (parts.empty()) return invalid("prompt", "a <lora:> has no name");
    auto file = model_called(names, "loras", parts[0]);
    if (!file) return invalid("prompt", fmt::format("there is no LoRA '{}'", parts[0]));
    // One number stands for both; A1111's order is the text encoders', then the U-Net's.
    A1111Lora lora{*file, 1, 1};
    if (parts.size() > 1) lora.text_encoder = lora.unet = std::atof(parts[1].c_str());
    if (parts.size() > 2) lora.unet = std::atof(parts[2].c_str());
    loras.push_back(std::move(lora));
    prompt.erase(at, end - at + 1);
  }
  return {};
}

Result<std::pair<std::string, std::string>> sampler_of(const graph::NodeRegistry& nodes,
                                                       std::string name,
                                                       const std::string& schedule) {
  if (name.empty()) name = "Euler";
  std::string wanted = lower(schedule);
  // Before 1.9 the schedule was part of the sampler's name.
  for (const auto& [ending, own] :
       {std::pair(" karras", "karras"), std::pair(" exponential", "exponential")}) {
    if (!lower(name).ends_with(ending)) continue;
    name.resize(name.size() - std::string_view(ending).size());
    wanted = own;
  }
  const auto samplers = a1111_samplers(nodes);
  auto sampler = std::find_if(samplers.begin(), samplers.end(), [&](const A1111Sampler& entry) {
    return lower(entry.name) == lower(name) || entry.own == name ||
           "k_" + std::string(entry.own) == name;
  });
  std::string own, automatic = "normal";
  if (sampler != samplers.end()) {
    own = sampler->own;
    automatic = sampler->automatic_schedule;
  } else if (holds(choices(nodes, "sampler_name"), name)) {
    own = name;
  } else {
    return invalid("sampler_name", fmt::format("there is no sampler '{}'", name.substr(0, 60)));
  }
  if (wanted.empty() || wanted == "automatic") return std::pair(own, automatic);
  for (const A1111Schedule& entry : a1111_schedules(nodes)) {
    if (wanted == entry.name || wanted == lower(entry.label)) {
      return std::pair(own, std::string(entry.own));
    }
  }
  if (holds(choices(nodes, "scheduler"), wanted)) return std::pair(own, wanted);
  return invalid("scheduler", fmt::format("there is no schedule '{}'", schedule.substr(0, 60)));
}

Status read_hires(const A1111Names& names, Fields& fields, A1111Job& job) {
  A1111Job::HiRes hires;
  const double scale = fields.number("hr_scale", 2, 1, 4);
  auto eighths = [](double length) { return static_cast<int>(length / 8) * 8; };
  hires.width = fields.whole("hr_resize_x", 0, 0, 8192);
  hires.height = fields.whole("hr_resize_y", 0, 0, 8192);
  if (hires.width == 0) hires.width = eighths(job.width * scale);
  if (hires.height == 0) hires.height = eighths(job.height * scale);
  hires.steps = fields.whole("hr_second_pass_steps", 0, 0, 10000);
  hires.prompt = fields.text("hr_prompt");
  hires.negative = fields.text("hr_negative_prompt");
  const std::string upscaler = fields.text("hr_upscaler", "Latent");
  constexpr std::pair<std::string_view, std::string_view> kLatent[] = {
      {"Latent", "bilinear"},
      {"Latent (bicubic)", "bicubic"},
      {"Latent (nearest)", "nearest-exact"},
      {"Latent (nearest-exact)", "nearest-exact"}};
  for (const auto& [name, method] : kLatent)
    if (upscaler == name) hires.method = method;
  if (upscaler == "Lanczos" || upscaler == "Nearest") {
    hires.latent = false;
    hires.method = upscaler == "Lanczos" ? "lanczos" : "nearest-exact";
  }
  if (hires.method.empty()) {
    return invalid("hr_upscaler", fmt::format("there is no upscaler '{}'", upscaler.substr(0, 60)));
  }
  std::string sampler = fields.text("hr_sampler_name");
  std::string schedule = fields.text("hr_scheduler");
  if (sampler.empty() || sampler == "Use same sampler") sampler = job.sampler;
  if (schedule.empty() || schedule == "Use same scheduler") schedule = job.scheduler;
  OBSCURA_ASSIGN(std::tie(hires.sampler, hires.scheduler),
                 sampler_of(names.nodes, sampler, schedule));
  job.hires = std::move(hires);
  return {};
}

// Stores it under its digest, so that the same picture is stored once.
Result<std::string> store_picture(Api& api, const Request& request, const char* field,
                                  const ordered_json& value, std::string& bytes) {
  if (!value.is_string()) return invalid(field, "wanted base64");
  auto decoded = a1111_picture(value.get_ref<const std::string&>());
  if (!decoded.ok()) return decoded.error().in(field);
  bytes = std::move(decoded).value();
  // Decoded and written anew: what lies in the input folder is a picture, whatever was sent.
  OBSCURA_ASSIGN(std::string png, api.studio.convert(bytes, {.format = "png"}));
  const ProjectFolders folders(api.data, request.caller.project);
  OBSCURA_ASSIGN(std::string name,
                 folders.input.store("sdapi", sha256_hex(bytes).substr(0, 32) + ".png", png, true));
  return "sdapi/" + name;
}

// The picture with the part below the mask filled, in the input folder.
Result<std::string> store_filled(Api& api, const Request& request, std::string_view picture,
                                 std::string_view mask, bool invert) {
  OBSCURA_ASSIGN(std::string png, api.studio.fill_masked(picture, mask, invert));
  const ProjectFolders folders(api.data, request.caller.project);
  OBSCURA_ASSIGN(std::string name,
                 folders.input.store("sdapi", sha256_hex(png).substr(0, 32) + ".png", png, true));
  return "sdapi/" + name;
}

Status read_start(Api& api, const Request& request, Fields& fields, A1111Job& job) {
  A1111Job::Start start;
  const ordered_json* images = fields.find("init_images");
  if (images == nullptr || !images->is_array() || images->size() != 1) {
    return invalid("init_images", "wanted a list of one picture");
  }
  std::string picture, bytes;
  OBSCURA_ASSIGN(start.image, store_picture(api, request, "init_images", (*images)[0], picture));
  start.resize_mode = fields.whole("resize_mode", 0, 0, 2);
  if (const ordered_json* mask = fields.find("mask");
      mask != nullptr && !(mask->is_string() && mask->get_ref<const std::string&>().empty())) {
    OBSCURA_ASSIGN(start.mask, store_picture(api, request, "mask", *mask, bytes));
    start.invert = fields.flag("inpainting_mask_invert");
    start.blur = fields.whole("mask_blur", 4, 0, 64);
    start.content = static_cast<A1111Job::Start::Content>(fields.whole("inpainting_fill", 0, 0, 3));
    if (start.content == A1111Job::Start::Content::kFill) {
      OBSCURA_ASSIGN(start.filled, store_filled(api, request, picture, bytes, start.invert));
    }
    if (fields.flag("inpaint_full_res", true)) {
      OBSCURA_ASSIGN(start.crop,
                     api.studio.mask_box(
                         bytes, {.invert = start.invert,
                                 .padding = fields.whole("inpaint_full_res_padding", 0, 0, 4096) +
                                            start.blur * 2,
                                 .aspect = static_cast<double>(job.width) / job.height}));
    }
  }
  job.start = std::move(start);
  return {};
}

std::uint64_t seed_of(Fields& fields, const char* name) {
  const double seed = fields.number(name, -1, -1, 9007199254740991.0);
  if (seed >= 0) return static_cast<std::uint64_t>(seed);
  std::uint32_t random = 0;
  OBSCURA_CHECK(::getrandom(&random, sizeof random, 0) == sizeof random,
                "getrandom gave too little");
  return random % 4294967294U;
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

Result<std::string> a1111_picture(const std::string& text) {
  std::string_view base64 = text;
  if (base64.starts_with("data:")) {
    const std::size_t comma = base64.find(',');
    if (comma == std::string_view::npos) {
      return Error(ErrorKind::kInvalidInput, "wanted base64 after 'data:…,'");
    }
    base64 = base64.substr(comma + 1);
  } else if (base64.starts_with("http:") || base64.starts_with("https:")) {
    return Error(ErrorKind::kInvalidInput,
                 "wanted the picture itself in base64: this program fetches nothing");
  }
  return decode_base64(base64);
}

Result<ordered_json> a1111_options(Api& api, const std::string& project) {
  const std::vector<ModelEntry> checkpoints = api.studio.models(project, "checkpoints");
  ordered_json options = {
      {"sd_model_checkpoint", checkpoints.empty() ? "" : checkpoints.front().name},
      {"sd_checkpoint_hash", ""},
      {"sd_vae", "Automatic"},
      {"CLIP_stop_at_last_layers", 1},
      {"samples_format", "png"},
      {"randn_source", "CPU"},
      {"enable_pnginfo", true}};
  OBSCURA_ASSIGN(std::string stored, api.accounts.setting("a1111.options." + project));
  if (stored.empty()) return options;
  OBSCURA_ASSIGN(ordered_json set, graph::parse_json(stored));
  if (set.is_object()) options.update(set);
  return options;
}

namespace {

Status read_styles(const A1111Names& names, const ordered_json& styles, A1111Job& job) {
  if (!styles.is_array()) return invalid("styles", "wanted a list of names");
  for (const ordered_json& style : styles) {
    const std::string name = style.is_string() ? style.get<std::string>() : "";
    if (!holds(names.styles, name)) {
      return invalid("styles", fmt::format("there is no style {} in styles.csv of the input folder",
                                           style.dump().substr(0, 60)));
    }
    job.styles.push_back(name);
  }
  return {};
}

// What of the settings changes a picture.
Status read_options(const A1111Names& names, const ordered_json& options, A1111Job& job) {
  auto text = [&](const char* name) -> std::string {
    auto found = options.find(name);
    return found != options.end() && found->is_string() ? found->get<std::string>() : "";
  };
  const std::string source = text("randn_source");
  if (!source.empty() && source != "CPU" && source != "GPU" && source != "NV") {
    return invalid("randn_source", "wanted CPU, GPU or NV, found " + source.substr(0, 60));
  }
  job.nvidia_noise = source == "GPU" || source == "NV";
  if (auto delta = options.find("eta_noise_seed_delta");
      delta != options.end() && delta->is_number_integer()) {
    job.eta_seed_delta = std::clamp(delta->get<int>(), -1'000'000, 1'000'000);
  }
  if (const std::string vae = text("sd_vae"); !vae.empty() && vae != "Automatic" && vae != "None") {
    auto known = model_called(names, "vae", vae);
    if (!known) return invalid("sd_vae", "there is no VAE " + vae.substr(0, 60));
    job.vae = *known;
  }
  return {};
}

// All but where the picture begins.
Result<A1111Job> parse_common(const A1111Names& names, Fields& fields,
                              const ordered_json& settings) {
  OBSCURA_TRY(refuse_what_is_missing(fields));
  ordered_json options = settings;
  if (const ordered_json* set = fields.find("override_settings"); set && set->is_object()) {
    options.update(*set);
  }
  A1111Job job;
  job.prompt = fields.text("prompt");
  job.negative = fields.text("negative_prompt");
  OBSCURA_TRY(take_loras(names, job.prompt, job.loras));
  const ordered_json& checkpoint = options["sd_model_checkpoint"];
  auto model = checkpoint.is_string()
                   ? model_called(names, "checkpoints", checkpoint.get<std::string>())
                   : std::nullopt;
  if (!model) return invalid("sd_model_checkpoint", "there is no checkpoint " + checkpoint.dump());
  job.checkpoint = *model;
  const ordered_json& skip = options["CLIP_stop_at_last_layers"];
  job.clip_skip = skip.is_number_integer() ? std::clamp(skip.get<int>(), 1, 12) : 1;
  std::string sampler = fields.text("sampler_name");
  if (sampler.empty()) sampler = fields.text("sampler_index");
  OBSCURA_ASSIGN(std::tie(job.sampler, job.scheduler),
                 sampler_of(names.nodes, sampler, fields.text("scheduler")));
  job.seed = seed_of(fields, "seed");
  job.subseed = seed_of(fields, "subseed");
  job.subseed_strength = fields.number("subseed_strength", 0, 0, 1);
  job.steps = fields.whole("steps", 50, 1, 10000);
  job.width = fields.whole("width", 512, 16, 8192);
  job.height = fields.whole("height", 512, 16, 8192);
  job.batch_size = fields.whole("batch_size", 1, 1, 64);
  job.n_iter = fields.whole("n_iter", 1, 1, 100);
  job.cfg = fields.number("cfg_scale", 7, 0, 100);
  job.denoise = fields.number("denoising_strength", 0.75, 0, 1);
  job.save = fields.flag("save_images");
  job.web_ui_prompts = true;
  if (const ordered_json* styles = fields.find("styles"); styles != nullptr && !styles->empty()) {
    OBSCURA_TRY(read_styles(names, *styles, job));
  }
  if (const std::string refiner = fields.text("refiner_checkpoint");
      !refiner.empty() && refiner != "None") {
    auto known = model_called(names, "checkpoints", refiner);
    if (!known) return invalid("refiner_checkpoint", "there is no checkpoint " + refiner);
    job.refiner = A1111Job::Refiner{*known, fields.number("refiner_switch_at", 0.8, 0, 1)};
  }
  OBSCURA_TRY(read_options(names, options, job));
  return job;
}

}  // namespace

Result<A1111Job> parse_a1111_text_to_image(const A1111Names& names, const ordered_json& body,
                                           const ordered_json& settings) {
  OBSCURA_ASSIGN(const ordered_json all, with_scripts(body));
  Fields fields(all);
  OBSCURA_ASSIGN(A1111Job job, parse_common(names, fields, settings));
  if (fields.flag("enable_hr")) OBSCURA_TRY(read_hires(names, fields, job));
  OBSCURA_TRY(fields.status());
  return job;
}

Result<A1111Job> parse_a1111(Api& api, const Request& request, const ordered_json& body,
                             bool img2img) {
  const std::string& project = request.caller.project;
  OBSCURA_ASSIGN(ordered_json options, a1111_options(api, project));
  const A1111Names names = a1111_names(api, project);
  if (!img2img) return parse_a1111_text_to_image(names, body, options);
  OBSCURA_ASSIGN(const ordered_json all, with_scripts(body));
  Fields fields(all);
  OBSCURA_ASSIGN(A1111Job job, parse_common(names, fields, options));
  OBSCURA_TRY(read_start(api, request, fields, job));
  OBSCURA_TRY(fields.status());
  return job;
}

std::vector<std::string> a1111_style_names(const Api& api, const std::string& project) {
  std::vector<std::string> names;
  for (const PromptStyle& style : api.studio.prompt_styles(project)) names.push_back(style.name);
  return names;
}

A1111Names a1111_names(Api& api, const std::string& project) {
  return {api.studio.nodes(),
          [&api, project](const char* kind) {
            std::vector<std::string> names;
            for (ModelEntry& model : api.studio.models(project, kind))
              names.push_back(std::move(model.name));
            return names;
          },
          false, a1111_style_names(api, project)};
}

}  // namespace obscura::server
