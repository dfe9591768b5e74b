// WebUIPrompt: a prompt in AUTOMATIC1111's language, with its LoRAs, styles and wildcards.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/files.h"
#include "base/trim.h"
#include "diffusion/latent_math.h"
#include "graph/node_registry.h"
#include "graph/suggest.h"
#include "library/folder_paths.h"
#include "library/input_folder.h"
#include "library/model_folders.h"
#include "nodes/conditioning/text_encoding.h"
#include "nodes/loaders/model_inputs.h"
#include "nodes/sockets.h"
#include "pipeline/adapted.h"
#include "prompt/csv.h"
#include "prompt/language.h"
#include "tensor/random.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::Condition;

constexpr const char* kStyles = "styles.csv";
constexpr const char* kWildcards = "wildcards";
constexpr int kMostWildcards = 1000;  // a file that names itself would never end

std::string file_text(const Environment& environment, const std::string& name) {
  const auto* folder = environment.find<library::InputFolder>();
  if (folder == nullptr) return "";
  auto path = library::path_below(folder->root(), name);
  if (!path.ok()) return "";
  auto text = read_text_file(path->string());
  return text.ok() ? *text : "";
}

// AUTOMATIC1111 puts the prompt where the style says {prompt}, else the style behind it.
std::string with_style(const std::string& text, const std::string& style) {
  constexpr std::string_view kPlace = "{prompt}";
  if (const std::size_t at = style.find(kPlace); at != std::string::npos)
    return style.substr(0, at) + text + style.substr(at + kPlace.size());
  return text.empty() || style.empty() ? text + style : text + ", " + style;
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

Result<std::string> with_styles(const NodeCall& call, const Environment& environment,
                                std::string text) {
  const std::vector<std::string> wanted = listed(call.get<std::string>("styles"));
  if (wanted.empty()) return text;
  const bool negative = call.get<std::string>("side") == "negative";
  const auto rows = prompt::parse_csv(file_text(environment, kStyles));
  for (const std::string& name : wanted) {
    auto found = std::find_if(rows.begin(), rows.end(),
                              [&](const auto& row) { return !row.empty() && row[0] == name; });
    if (found == rows.end()) {
      std::vector<std::string> known;
      for (const auto& row : rows)
        if (!row.empty()) known.push_back(row[0]);
      return Error(ErrorKind::kNotFound,
                   fmt::format("input \"styles\": no style {} in {} of the input folder{}",
                               in_quotes(name), kStyles, suggestion(name, known)));
    }
    const std::size_t column = negative ? 2 : 1;
    if (found->size() > column) text = with_style(text, (*found)[column]);
  }
  return text;
}

// __name__ becomes a line of wildcards/name.txt, chosen by the seed; lines may hold wildcards.
Result<std::string> with_wildcards(const Environment& environment, std::string text,
                                   std::uint64_t seed) {
  TorchGenerator random(seed);
  for (int count = 0; count < kMostWildcards; ++count) {
    const std::size_t begin = text.find("__");
    const std::size_t end = begin == std::string::npos ? begin : text.find("__", begin + 2);
    if (end == std::string::npos) return text;
    const std::string name = text.substr(begin + 2, end - begin - 2);
    std::vector<std::string> lines;
    const std::string all = file_text(environment, fmt::format("{}/{}.txt", kWildcards, name));
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t stop = std::min(all.find('\n', at), all.size());
      std::string line = all.substr(at, stop - at);
      at = stop + 1;
      if (!line.empty() && line.back() == '\r') line.pop_back();
      if (!line.empty() && line[0] != '#') lines.push_back(std::move(line));
    }
    if (lines.empty()) {
      return Error(ErrorKind::kNotFound,
                   fmt::format("input \"text\": __{}__ wants a file {}/{}.txt with lines in the "
                               "input folder, found none",
                               name, kWildcards, name));
    }
    std::int64_t draw = 0;
    random.randint31(std::span(&draw, 1));
    text.replace(begin, end + 2 - begin, lines[static_cast<std::size_t>(draw) % lines.size()]);
  }
  return Error(ErrorKind::kInvalidInput, "input \"text\": its wildcards never end");
}

struct Models {
  std::shared_ptr<const pipeline::DiffusionModel> model;
  std::shared_ptr<const pipeline::TextEncoders> text;
};

Status put_on(NodeCall& call, Models& models, const prompt::LoraTag& tag) {
  const auto& folders = call.environment<library::ModelFolders>();
  std::string name;
  const std::vector<std::string> files = folders.list("loras");
  for (const std::string& file : files) {
    const std::string stem = file.substr(0, file.rfind('.'));
    if (file == tag.name || stem == tag.name || stem.ends_with("/" + tag.name)) name = file;
  }
  if (name.empty()) {
    return Error(ErrorKind::kNotFound,
                 fmt::format("input \"text\": no LoRA {} in the loras folder{}",
                             in_quotes(tag.name), suggestion(tag.name, files)));
  }
  OBSCURA_ASSIGN(auto file, open_adapter(call, name));
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
  changed->patches.guidance.push_back([=] {
    return pipeline::GuidanceFunctions{
        .before = [=](pipeline::GuidanceStep& step) -> Status {
          step.cond = diffusion::weighted_sum({{factor, step.cond}, {1 - factor, step.uncond}});
          return {};
        },
        .combine = {},
        .after = {}};
  });
  return changed;
}

Result<NodeResult> run_web_ui_prompt(NodeCall& call) {
  const Environment& environment = call.all_environment();
  OBSCURA_ASSIGN(std::string text, with_styles(call, environment, call.get<std::string>("text")));
  OBSCURA_ASSIGN(text,
                 with_wildcards(environment, std::move(text), call.get<std::uint64_t>("seed")));
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
        .output("CONDITIONING", "", "What the picture is to show, and when.")
        .fingerprint(fingerprint_web_ui_prompt)
        .run(run_web_ui_prompt)};

}  // namespace
}  // namespace obscura::nodes
