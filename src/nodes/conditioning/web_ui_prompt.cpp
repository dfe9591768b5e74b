// WebUIPrompt: a prompt in AUTOMATIC1111's language, with its LoRAs, styles and wildcards.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

#include "base/files.h"
#include "base/trim.h"
#include "diffusion/latent_math.h"
#include "graph/node_registry.h"
#include "graph/suggest.h"
#include "library/folder_paths.h"
#include "library/input_folder.h"
#include "library/lora_files.h"
#include "library/model_folders.h"
#include "nodes/conditioning/text_encoding.h"
#include "nodes/model_patches/guidance_patch.h"
#include "nodes/sockets.h"
#include "pipeline/adapted.h"
#include "prompt/language.h"
#include "prompt/styles.h"
#include "prompt/wildcards.h"
#include "tensor/random.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::Condition;

constexpr const char* kStyles = "styles.csv";
constexpr const char* kWildcards = "wildcards";

std::string file_text(const Environment& environment, const std::string& name) {
  const auto* folder = environment.find<library::InputFolder>();
  if (folder == nullptr) return "";
  auto path = library::path_below(folder->root(), name);
  if (!path.ok()) return "";
  auto text = read_file(path->string());
  return text.ok() ? *text : "";
}

std::vector<std::string> listed(std::string_view names) {
  std::vector<std::string> list;
  for (std::size_t begin = 0; begin < names.size();) {
    const std::size_t end = std::min(names.find(',', begin), names.size());
    const std::string_view name = trimmed(names.substr(begin, end - begin), " \t\n");
    begin = end + 1;
    if (!name.empty()) list.emplace_back(name);
  }
  return list;
}

Result<std::string> with_styles(const NodeCall& call, std::string text) {
  const std::vector<std::string> wanted = listed(call.get<std::string>("styles"));
  if (wanted.empty()) return text;
  const bool negative = call.get<std::string>("side") == "negative";
  const auto styles = prompt::parse_styles(file_text(call.all_environment(), kStyles));
  for (const std::string& name : wanted) {
    auto found = std::find_if(styles.begin(), styles.end(),
                              [&](const prompt::Style& style) { return style.name == name; });
    if (found == styles.end()) {
      std::vector<std::string> known;
      for (const prompt::Style& style : styles) known.push_back(style.name);
      return Error(ErrorKind::kNotFound,
                   fmt::format("input \"styles\": no style {} in {} of the input folder{}",
                               in_quotes(name), kStyles, suggestion(name, known)));
    }
    text = prompt::with_style(text, negative ? found->negative_prompt : found->prompt);
  }
  return text;
}

// The lines lie in wildcards/name.txt of the input folder and are chosen by the seed.
Result<std::string> with_wildcards(const NodeCall& call, std::string text) {
  TorchGenerator random(call.get<std::uint64_t>("seed"));
  auto lines = [&](const std::string& name) -> Result<std::vector<std::string>> {
    std::vector<std::string> found = prompt::wildcard_lines(
        file_text(call.all_environment(), fmt::format("{}/{}.txt", kWildcards, name)));
    if (!found.empty()) return found;
    return Error(ErrorKind::kNotFound,
                 fmt::format("__{}__ wants a file {}/{}.txt with lines in the input folder, found "
                             "none",
                             name, kWildcards, name));
  };
  auto choose = [&](std::size_t count) {
    std::int64_t draw = 0;
    random.randint31(std::span(&draw, 1));
    return static_cast<std::size_t>(draw) % count;
  };
  Result<std::string> result = prompt::with_wildcards(std::move(text), {lines, choose});
  return result.ok() ? std::move(result) : Result<std::string>(result.error().in("input \"text\""));
}

struct Models {
  std::shared_ptr<const pipeline::DiffusionModel> model;
  std::shared_ptr<const pipeline::TextEncoders> text;
};

Status put_on(const NodeCall& call, Models& models, const prompt::LoraTag& tag) {
  const auto& folders = call.environment<library::ModelFolders>();
  Result<std::string> name = library::lora_called(folders, tag.name);
  if (!name.ok()) return name.error().in("input \"text\"");
  OBSCURA_ASSIGN(auto file, library::open_lora(folders, *name));
  OBSCURA_ASSIGN(auto adapted, pipeline::with_adapter(models.model, models.text, file,
                                                      {.unet = tag.unet, .text = tag.text}));
  models = {std::move(adapted.model), std::move(adapted.text)};
  return {};
}

pipeline::Emphasis emphasis_of(const std::string& name) {
  if (name == "original") return pipeline::Emphasis::kOriginal;
  return name == "no norm" ? pipeline::Emphasis::kScaled : pipeline::Emphasis::kFromEmpty;
}

// Each text encoded once, whatever the number of steps that show it.
class Encoder {
 public:
  Encoder(const NodeCall& call, std::shared_ptr<const pipeline::TextEncoders> encoders)
      : call_(call),
        encoders_(std::move(encoders)),
        emphasis_(emphasis_of(call.get<std::string>("emphasis"))) {}

  Result<Condition> encode(const prompt::PromptStretch& stretch) {
    auto known = known_.find(stretch.text);
    if (known == known_.end()) {
      std::optional<Condition> whole;
      for (const auto& piece : stretch.pieces) {
        OBSCURA_ASSIGN(Condition part,
                       nodes::encode(call_, encoders_, prompt::as_comfyui(piece), emphasis_));
        whole = whole ? pipeline::joined(std::move(*whole), part) : std::move(part);
      }
      known = known_.emplace(stretch.text, std::move(*whole)).first;
    }
    return known->second;
  }

 private:
  const NodeCall& call_;
  std::shared_ptr<const pipeline::TextEncoders> encoders_;
  pipeline::Emphasis emphasis_;
  std::map<std::string, Condition> known_;
};

// AND adds up what each prompt changes, where conditionings are averaged: the guidance of their
// mean is multiplied by the sum of their weights.
std::shared_ptr<const pipeline::DiffusionModel> with_guidance_times(
    const std::shared_ptr<const pipeline::DiffusionModel>& model, double factor) {
  if (factor == 1) return model;
  auto changed = std::make_shared<pipeline::DiffusionModel>(*model);
  changed->patches.guidance.push_back(before_guidance([=](pipeline::GuidanceStep& step) -> Status {
    step.cond = diffusion::weighted_sum({{factor, step.cond}, {1 - factor, step.uncond}});
    return {};
  }));
  return changed;
}

Result<NodeResult> run_web_ui_prompt(NodeCall& call) {
  OBSCURA_ASSIGN(std::string text, with_styles(call, call.get<std::string>("text")));
  OBSCURA_ASSIGN(text, with_wildcards(call, std::move(text)));
  const prompt::ParsedPrompt prompt = prompt::parse_prompt(text, call.get<int>("steps"));
  Models models{call.share<pipeline::DiffusionModel>("model"),
                call.share<pipeline::TextEncoders>("clip")};
  for (const prompt::LoraTag& tag : prompt.loras) OBSCURA_TRY(put_on(call, models, tag));

  Encoder encoder(call, models.text);
  pipeline::Conditioning conditioning;
  double weights = 0;
  for (const prompt::Subprompt& subprompt : prompt.subprompts) {
    weights += subprompt.weight;
    for (const prompt::PromptStretch& stretch : subprompt.stretches) {
      OBSCURA_ASSIGN(Condition condition, encoder.encode(stretch));
      condition.strength = subprompt.weight;
      // Schedules may have a few more steps than asked for; the last stretch goes to their end.
      const bool last = &stretch == &subprompt.stretches.back();
      if (subprompt.stretches.size() > 1) {
        constexpr int kToTheEnd = 1 << 20;
        condition.steps = Condition::Steps{stretch.first_step, last ? kToTheEnd : stretch.end_step};
      }
      conditioning.entries.push_back(std::move(condition));
    }
  }
  const bool negative = call.get<std::string>("side") == "negative";
  if (!negative && weights != 0) models.model = with_guidance_times(models.model, weights);
  return NodeResult{Value::handle("MODEL", models.model), Value::handle("CLIP", models.text),
                    conditioning_value(std::move(conditioning))};
}

Result<std::optional<std::string>> fingerprint_web_ui_prompt(const NodeInputs& inputs,
                                                             const Environment& environment) {
  // LoRAs, styles and wildcards lie in files: only a text without any always gives the same.
  if (!inputs.has("text") || !inputs.has("styles")) return std::optional<std::string>();
  const auto& text = inputs.get<std::string>("text");
  const bool plain = text.find("<lora:") == std::string::npos &&
                     text.find("__") == std::string::npos &&
                     inputs.get<std::string>("styles").empty();
  if (!plain) return std::optional<std::string>();
  return embeddings_fingerprint(inputs, environment, {"text"});
}

const RegisterNode kWebUiPromptRegistered{
    NodeType("WebUIPrompt")
        .label("Prompt (AUTOMATIC1111)")
        .category("conditioning")
        .description(
            "A prompt in AUTOMATIC1111's language: (weights:1.2) and [less], [from:to:0.5] "
            "and [each|step], AND, BREAK, <lora:name:0.8>, styles of styles.csv and "
            "__wildcards__ of the input folder.")
        .input(socket("model", "MODEL").tooltip("The model; its LoRAs come from the prompt."))
        .input(socket("clip", "CLIP").tooltip("The text encoders."))
        .input(text("text").multiline().tooltip("The prompt."))
        .input(integer("steps", 20)
                   .range(1, 10000)
                   .tooltip("The sampler's steps: what parts of the sampling are parts of."))
        .input(choice("side", {"positive", "negative"}))
        .input(choice("emphasis", {"original", "no norm", "comfyui"})
                   .tooltip("What weights do to the text states: \"original\" keeps their mean, "
                            "\"comfyui\" is as CLIPTextEncode does it."))
        .input(text("styles", "").tooltip("Names of styles, with commas between them."))
        .input(integer("seed", 0).range(0, kMaxSeed).tooltip("Chooses the wildcards' lines."))
        .output("MODEL", "", "The model with the prompt's LoRAs.")
        .output("CLIP", "", "The text encoders with the prompt's LoRAs.")
        .output("CONDITIONING", "", "What the image is to show, and when.")
        .fingerprint(fingerprint_web_ui_prompt)
        .run(run_web_ui_prompt)};

}  // namespace
}  // namespace obscura::nodes
