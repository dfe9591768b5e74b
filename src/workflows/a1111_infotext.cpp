#include "workflows/a1111_infotext.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <system_error>

#include "base/trim.h"
#include "workflows/a1111_job.h"
#include "workflows/a1111_request.h"
#include "workflows/a1111_workflow.h"

namespace obscura::workflows {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kInfotextBlanks = " \t\r";  // a new line means something

// Where the value that `rest` begins with ends: at a comma, or behind a text in quotes, in which a
// backslash takes away the next character's meaning.
std::size_t end_of_value(std::string_view rest) {
  if (!rest.starts_with('"')) return std::min(rest.find(','), rest.size());
  std::size_t quote = 1;
  while (quote < rest.size() && rest[quote] != '"') quote += rest[quote] == '\\' ? 2 : 1;
  return std::min(rest.find(',', std::min(quote, rest.size())), rest.size());
}

std::string unquoted(std::string_view value) {
  if (!value.starts_with('"')) return std::string(value);
  const auto json = ordered_json::parse(value, nullptr, false);
  return json.is_string() ? json.get<std::string>() : std::string(value);
}

bool is_key(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c >= 0x80 ||
           std::string_view("_ -/").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

ordered_json read_pairs(std::string_view rest) {
  ordered_json pairs = ordered_json::object();
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    if (colon == std::string_view::npos) break;
    const std::string_view key = trimmed(rest.substr(0, colon), kInfotextBlanks);
    rest = rest.substr(colon + 1);
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const std::size_t end = end_of_value(rest);
    if (is_key(key))
      pairs[std::string(key)] = unquoted(trimmed(rest.substr(0, end), kInfotextBlanks));
    rest = rest.substr(std::min(end + 1, rest.size()));
  }
  return pairs;
}

// What the request says in other words, or what only tells of files and programs.
constexpr std::string_view kUnderstood[] = {"Prompt",
                                            "Negative prompt",
                                            "Steps",
                                            "Sampler",
                                            "Schedule type",
                                            "CFG scale",
                                            "Seed",
                                            "Size",
                                            "Model",
                                            "Model hash",
                                            "Clip skip",
                                            "Denoising strength",
                                            "Hires upscale",
                                            "Hires resize",
                                            "Hires steps",
                                            "Hires upscaler",
                                            "Hires prompt",
                                            "Hires negative prompt",
                                            "Hires sampler",
                                            "Hires schedule type",
                                            "Version",
                                            "Lora hashes",
                                            "Hashes",
                                            "TI hashes",
                                            "VAE hash",
                                            "Batch size",
                                            "Batch pos",
                                            "User",
                                            "Emphasis",
                                            "Pad conds",
                                            "Hires CFG Scale",
                                            "Downcast alphas_cumprod"};

class Reader {
 public:
  explicit Reader(const ordered_json& pairs) : pairs_(pairs) {}

  std::string text(const char* key) const {
    auto found = pairs_.find(key);
    return found == pairs_.end() ? "" : found->get<std::string>();
  }
  void put_text(const char* key, const char* field, ordered_json& request) const {
    if (!text(key).empty()) request[field] = text(key);
  }
  template <class Number>
  void put(const char* key, const char* field, ordered_json& request) const {
    const std::string value = text(key);
    Number number{};
    auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error == std::errc() && end == value.data() + value.size() && !value.empty())
      request[field] = number;
  }
  // "512x768"
  void put_size(const char* key, const char* width, const char* height,
                ordered_json& request) const {
    const std::string value = text(key);
    const std::size_t x = value.find('x');
    if (x == std::string::npos) return;
    const ordered_json sides = {{"w", value.substr(0, x)}, {"h", value.substr(x + 1)}};
    Reader(sides).put<int>("w", width, request);
    Reader(sides).put<int>("h", height, request);
  }

 private:
  const ordered_json& pairs_;
};

void put_hires(const Reader& reader, ordered_json& request) {
  request["enable_hr"] = true;
  reader.put<double>("Hires upscale", "hr_scale", request);
  reader.put_size("Hires resize", "hr_resize_x", "hr_resize_y", request);
  reader.put<int>("Hires steps", "hr_second_pass_steps", request);
  reader.put_text("Hires upscaler", "hr_upscaler", request);
  reader.put_text("Hires prompt", "hr_prompt", request);
  reader.put_text("Hires negative prompt", "hr_negative_prompt", request);
  reader.put_text("Hires sampler", "hr_sampler_name", request);
  reader.put_text("Hires schedule type", "hr_scheduler", request);
}

bool changes_nothing(const std::string& key, const std::string& value) {
  if (std::find(std::begin(kUnderstood), std::end(kUnderstood), key) != std::end(kUnderstood))
    return true;
  return key == "RNG" && value == "CPU";
}

}  // namespace

ordered_json a1111_read_infotext(const std::string& infotext) {
  std::string_view text = trimmed(infotext, kInfotextBlanks);
  while (text.ends_with('\n')) text.remove_suffix(1);
  const std::size_t last = text.rfind('\n');
  std::string_view head = last == std::string_view::npos ? "" : text.substr(0, last);
  const ordered_json pairs =
      read_pairs(last == std::string_view::npos ? text : text.substr(last + 1));
  if (!pairs.contains("Steps") && pairs.size() < 3) return ordered_json::object();
  // At the beginning of a line.
  constexpr std::string_view kNegative = "Negative prompt:";
  const bool at_once = head.starts_with(kNegative);
  const std::size_t found = at_once ? 0 : head.find("\n" + std::string(kNegative));
  ordered_json parameters;
  parameters["Prompt"] = head.substr(0, found);
  parameters["Negative prompt"] =
      found == std::string_view::npos
          ? ""
          : trimmed(head.substr(found + (at_once ? 0 : 1) + kNegative.size()), kInfotextBlanks);
  parameters.update(pairs);
  return parameters;
}

Result<A1111Recipe> a1111_recipe(const std::string& infotext) {
  const ordered_json pairs = a1111_read_infotext(infotext);
  if (!pairs.contains("Steps")) {
    return Error(ErrorKind::kInvalidInput,
                 "wanted AUTOMATIC1111's parameters, which end with a line \"Steps: …\", found '" +
                     infotext.substr(0, 60) + "'");
  }
  const Reader reader(pairs);
  A1111Recipe recipe;
  ordered_json& request = recipe.request;
  request = {{"prompt", reader.text("Prompt")},
             {"negative_prompt", reader.text("Negative prompt")}};
  reader.put<int>("Steps", "steps", request);
  reader.put_text("Sampler", "sampler_name", request);
  reader.put_text("Schedule type", "scheduler", request);
  reader.put<double>("CFG scale", "cfg_scale", request);
  reader.put<std::uint64_t>("Seed", "seed", request);
  reader.put_size("Size", "width", "height", request);
  ordered_json settings = ordered_json::object();
  reader.put_text("Model", "sd_model_checkpoint", settings);
  reader.put<int>("Clip skip", "CLIP_stop_at_last_layers", settings);
  if (!settings.empty()) request["override_settings"] = settings;
  const bool hires = pairs.contains("Hires upscaler") || pairs.contains("Hires upscale");
  reader.put<double>("Denoising strength", "denoising_strength", request);
  if (hires) put_hires(reader, request);
  for (const auto& [key, value] : pairs.items()) {
    if (!changes_nothing(key, value.get<std::string>()))
      recipe.left_out.push_back(key + ": " + value.get<std::string>());
  }
  if (pairs.contains("Denoising strength") && !hires)
    recipe.left_out.push_back("Denoising strength: the image it began with is not inside");
  return recipe;
}

Result<A1111Workflow> a1111_workflow_of(const std::string& infotext, A1111Names names) {
  OBSCURA_ASSIGN(A1111Recipe recipe, a1111_recipe(infotext));
  recipe.request["save_images"] = true;
  const std::vector<std::string> checkpoints = names.models("checkpoints");
  const ordered_json settings = {
      {"sd_model_checkpoint", checkpoints.empty() ? "" : checkpoints.front()},
      {"CLIP_stop_at_last_layers", 1}};
  OBSCURA_ASSIGN(A1111Job job, parse_a1111_text_to_image(names, recipe.request, settings));
  job.web_ui_prompts = true;
  return A1111Workflow{a1111_workflow(job), std::move(recipe.left_out)};
}

}  // namespace obscura::workflows
