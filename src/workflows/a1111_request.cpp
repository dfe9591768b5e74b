#include "workflows/a1111_request.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/check.h"
#include "workflows/a1111_fields.h"

namespace obscura::workflows {
namespace {

using nlohmann::ordered_json;

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
    if (parts.empty()) return invalid_field("prompt", "a <lora:> has no name");
    auto file = find_a1111_model(names, "loras", parts[0]);
    if (!file) return invalid_field("prompt", fmt::format("there is no LoRA '{}'", parts[0]));
    // One number stands for both; A1111's order is the text encoders', then the U-Net's.
    A1111Lora lora{*file, 1, 1};
    if (parts.size() > 1) lora.text_encoder = lora.unet = std::atof(parts[1].c_str());
    if (parts.size() > 2) lora.unet = std::atof(parts[2].c_str());
    loras.push_back(std::move(lora));
    prompt.erase(at, end - at + 1);
  }
  return {};
}
Status read_hires(const A1111Names& names, A1111Fields& fields, A1111Job& job) {
  A1111HiRes hires;
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
    return invalid_field("hr_upscaler",
                         fmt::format("there is no upscaler '{}'", upscaler.substr(0, 60)));
  }
  std::string sampler = fields.text("hr_sampler_name");
  std::string schedule = fields.text("hr_scheduler");
  if (sampler.empty() || sampler == "Use same sampler") sampler = job.sampler;
  if (schedule.empty() || schedule == "Use same scheduler") schedule = job.scheduler;
  OBSCURA_ASSIGN(std::tie(hires.sampler, hires.scheduler),
                 find_a1111_sampler(names.nodes, sampler, schedule));
  job.hires = std::move(hires);
  return {};
}
// The image in the input folder, and its bytes.
struct StoredImage {
  std::string name, bytes;
};
Result<StoredImage> store_image(A1111Images& images, const char* field, const ordered_json& value) {
  if (!value.is_string()) return invalid_field(field, "wanted base64");
  auto bytes = a1111_image(value.get_ref<const std::string&>());
  if (!bytes.ok()) return bytes.error().in(field);
  OBSCURA_ASSIGN(std::string name, images.store(*bytes));
  return StoredImage{std::move(name), std::move(bytes).value()};
}

Status read_mask(A1111Images& images, A1111Fields& fields, const ordered_json& value,
                 const std::string& image, A1111Job& job) {
  A1111Start& start = *job.start;
  OBSCURA_ASSIGN(const StoredImage mask, store_image(images, "mask", value));
  start.mask = mask.name;
  start.invert = fields.flag("inpainting_mask_invert");
  start.blur = fields.whole("mask_blur", 4, 0, 64);
  start.content = static_cast<A1111Start::Content>(fields.whole("inpainting_fill", 0, 0, 3));
  if (start.content == A1111Start::Content::kFill) {
    OBSCURA_ASSIGN(start.filled, images.store_filled(image, mask.bytes, start.invert));
  }
  if (!fields.flag("inpaint_full_res", true)) return {};
  const int padding = fields.whole("inpaint_full_res_padding", 0, 0, 4096) + start.blur * 2;
  OBSCURA_ASSIGN(start.crop, images.mask_box(mask.bytes, start.invert, padding,
                                             static_cast<double>(job.width) / job.height));
  return {};
}

Status read_start(A1111Images& images, A1111Fields& fields, A1111Job& job) {
  A1111Start& start = job.start.emplace();
  const ordered_json* list = fields.find("init_images");
  if (list == nullptr || !list->is_array() || list->size() != 1) {
    return invalid_field("init_images", "wanted a list of one image");
  }
  OBSCURA_ASSIGN(const StoredImage image, store_image(images, "init_images", (*list)[0]));
  start.image = image.name;
  start.resize_mode = fields.whole("resize_mode", 0, 0, 2);
  const ordered_json* mask = fields.find("mask");
  if (mask == nullptr || (mask->is_string() && mask->get_ref<const std::string&>().empty())) {
    return {};
  }
  return read_mask(images, fields, *mask, image.bytes, job);
}

std::uint64_t seed_of(A1111Fields& fields, const char* name) {
  const double seed = fields.number(name, -1, -1, 9007199254740991.0);
  if (seed >= 0) return static_cast<std::uint64_t>(seed);
  std::uint32_t random = 0;
  OBSCURA_CHECK(::getrandom(&random, sizeof random, 0) == sizeof random,
                "getrandom gave too little");
  return random % 4294967294U;
}
Status read_styles(const A1111Names& names, const ordered_json& styles, A1111Job& job) {
  if (!styles.is_array()) return invalid_field("styles", "wanted a list of names");
  for (const ordered_json& style : styles) {
    const std::string name = style.is_string() ? style.get<std::string>() : "";
    if (std::find(names.styles.begin(), names.styles.end(), name) == names.styles.end()) {
      return invalid_field("styles",
                           fmt::format("there is no style {} in styles.csv of the input folder",
                                       style.dump().substr(0, 60)));
    }
    job.styles.push_back(name);
  }
  return {};
}

// What of the settings changes an image.
Status read_options(const A1111Names& names, const ordered_json& options, A1111Job& job) {
  auto text = [&](const char* name) -> std::string {
    auto found = options.find(name);
    return found != options.end() && found->is_string() ? found->get<std::string>() : "";
  };
  const std::string source = text("randn_source");
  if (!source.empty() && source != "CPU" && source != "GPU" && source != "NV") {
    return invalid_field("randn_source", "wanted CPU, GPU or NV, found " + source.substr(0, 60));
  }
  job.nvidia_noise = source == "GPU" || source == "NV";
  if (auto delta = options.find("eta_noise_seed_delta");
      delta != options.end() && delta->is_number_integer()) {
    job.eta_seed_delta = std::clamp(delta->get<int>(), -1'000'000, 1'000'000);
  }
  if (const std::string vae = text("sd_vae"); !vae.empty() && vae != "Automatic" && vae != "None") {
    auto known = find_a1111_model(names, "vae", vae);
    if (!known) return invalid_field("sd_vae", "there is no VAE " + vae.substr(0, 60));
    job.vae = *known;
  }
  return {};
}

// All but where the image begins.
Result<A1111Job> parse_common(const A1111Names& names, A1111Fields& fields,
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
                   ? find_a1111_model(names, "checkpoints", checkpoint.get<std::string>())
                   : std::nullopt;
  if (!model)
    return invalid_field("sd_model_checkpoint", "there is no checkpoint " + checkpoint.dump());
  job.checkpoint = *model;
  const ordered_json& skip = options["CLIP_stop_at_last_layers"];
  job.clip_skip = skip.is_number_integer() ? std::clamp(skip.get<int>(), 1, 12) : 1;
  std::string sampler = fields.text("sampler_name");
  if (sampler.empty()) sampler = fields.text("sampler_index");
  OBSCURA_ASSIGN(std::tie(job.sampler, job.scheduler),
                 find_a1111_sampler(names.nodes, sampler, fields.text("scheduler")));
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
    auto known = find_a1111_model(names, "checkpoints", refiner);
    if (!known) return invalid_field("refiner_checkpoint", "there is no checkpoint " + refiner);
    job.refiner = A1111Refiner{*known, fields.number("refiner_switch_at", 0.8, 0, 1)};
  }
  OBSCURA_TRY(read_options(names, options, job));
  return job;
}
}  // namespace

Result<A1111Job> parse_a1111_text_to_image(const A1111Names& names, const ordered_json& body,
                                           const ordered_json& settings) {
  OBSCURA_ASSIGN(const ordered_json all, with_scripts(body));
  A1111Fields fields(all);
  OBSCURA_ASSIGN(A1111Job job, parse_common(names, fields, settings));
  if (fields.flag("enable_hr")) OBSCURA_TRY(read_hires(names, fields, job));
  OBSCURA_TRY(fields.status());
  return job;
}

Result<A1111Job> parse_a1111_image_to_image(const A1111Names& names, const ordered_json& body,
                                            const ordered_json& settings, A1111Images& images) {
  OBSCURA_ASSIGN(const ordered_json all, with_scripts(body));
  A1111Fields fields(all);
  OBSCURA_ASSIGN(A1111Job job, parse_common(names, fields, settings));
  OBSCURA_TRY(read_start(images, fields, job));
  OBSCURA_TRY(fields.status());
  return job;
}

}  // namespace obscura::workflows
