#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "base/trim.h"
#include "graph/node_registry.h"
#include "library/lora_files.h"
#include "library/model_folders.h"
#include "nodes/loaders/model_inputs.h"
#include "nodes/sockets.h"
#include "pipeline/adapted.h"

namespace obscura::nodes {
namespace {

using namespace graph;

void warn_of_unmatched(const NodeCall& call, const std::string& name,
                       const std::vector<std::string>& unmatched) {
  if (unmatched.empty()) return;
  constexpr std::size_t kNamed = 5;
  std::string names;
  for (std::size_t i = 0; i < std::min(kNamed, unmatched.size()); ++i)
    names += (i == 0 ? "" : ", ") + unmatched[i];
  if (unmatched.size() > kNamed) names += ", …";
  call.warn(fmt::format("{}: {} of its tensors have no place in the model and are left out: {}",
                        name, unmatched.size(), names));
}

// `text` may be null.
Result<pipeline::Adapted> adapt(NodeCall& call, std::shared_ptr<const pipeline::TextEncoders> text,
                                const adapter::Strengths& strengths) {
  auto model = call.share<pipeline::DiffusionModel>("model");
  if (strengths.unet == 0 && (strengths.text == 0 || text == nullptr)) {
    return pipeline::Adapted{std::move(model), std::move(text)};
  }
  const auto& name = call.get<std::string>("lora_name");
  OBSCURA_ASSIGN(auto file, library::open_lora(call.environment<library::ModelFolders>(), name));
  bool for_text = text != nullptr;
  OBSCURA_ASSIGN(pipeline::Adapted adapted,
                 pipeline::with_adapter(std::move(model), std::move(text), file, strengths));
  warn_of_unmatched(call, name, adapted.unmatched);
  if (!for_text && adapted.model_modules == 0)
    call.warn(name + " changes only the text encoders, the model stays as it is");
  return adapted;
}

Result<NodeResult> run_lora_loader(NodeCall& call) {
  OBSCURA_ASSIGN(pipeline::Adapted adapted, adapt(call, call.share<pipeline::TextEncoders>("clip"),
                                                  {.unet = call.get<double>("strength_model"),
                                                   .text = call.get<double>("strength_clip")}));
  return NodeResult{Value::handle("MODEL", adapted.model), Value::handle("CLIP", adapted.text)};
}

Result<NodeResult> run_model_only(NodeCall& call) {
  OBSCURA_ASSIGN(pipeline::Adapted adapted,
                 adapt(call, nullptr, {.unet = call.get<double>("strength_model"), .text = 0}));
  return NodeResult{Value::handle("MODEL", adapted.model)};
}

// "input_blocks=0.5, output_blocks.3=0": a name without a number means all blocks of the kind.
Result<std::map<std::string, double, std::less<>>> parse_blocks(std::string_view text) {
  constexpr int kMostBlocks = 32;
  std::map<std::string, double, std::less<>> blocks;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find_first_of(",\n", begin), text.size());
    const std::string_view item = trimmed(text.substr(begin, end - begin));
    begin = end + 1;
    if (item.empty()) continue;
    const std::size_t equals = item.find('=');
    const std::string name(trimmed(item.substr(0, equals)));
    const std::string_view number =
        equals == std::string_view::npos ? "" : trimmed(item.substr(equals + 1));
    double value = 0;
    auto [stop, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    const bool known = name.starts_with("input_blocks") || name.starts_with("output_blocks") ||
                       name == "middle_block" || name == "time_embed" || name == "label_emb" ||
                       name == "out";
    if (!known || number.empty() || error != std::errc() || stop != number.data() + number.size()) {
      return Error(ErrorKind::kInvalidInput,
                   fmt::format("input \"blocks\": wanted a block and its factor, such as "
                               "input_blocks.4=0.5 or middle_block=1, found \"{}\"",
                               item));
    }
    blocks[name] = value;
    if (name != "input_blocks" && name != "output_blocks") continue;
    for (int i = 0; i < kMostBlocks; ++i) blocks.try_emplace(fmt::format("{}.{}", name, i), value);
  }
  return blocks;
}

Result<NodeResult> run_by_blocks(NodeCall& call) {
  adapter::Strengths strengths{.unet = call.get<double>("strength_model"),
                               .text = call.get<double>("strength_clip")};
  OBSCURA_ASSIGN(strengths.blocks, parse_blocks(call.get<std::string>("blocks")));
  OBSCURA_ASSIGN(pipeline::Adapted adapted,
                 adapt(call, call.share<pipeline::TextEncoders>("clip"), strengths));
  return NodeResult{Value::handle("MODEL", adapted.model), Value::handle("CLIP", adapted.text)};
}

InputSpec name_input() {
  return model_input("lora_name", "loras", "A file of the loras folder.");
}

InputSpec strength_input(const char* name, const char* tooltip) {
  return number(name, 1.0).range(-100.0, 100.0).step(0.01).tooltip(tooltip);
}

// Of the model and the text encoders.
NodeType& lora_loader_node(NodeType& node) {
  return node.input(socket("model", "MODEL").tooltip("The model to put the LoRA on."))
      .input(socket("clip", "CLIP").tooltip("The text encoders to put the LoRA on."))
      .input(name_input())
      .input(strength_input("strength_model", "How much the model changes. May be negative."))
      .input(strength_input("strength_clip", "How much the text encoders change. May be negative."))
      .output("MODEL", "", "The model with the LoRA.")
      .output("CLIP", "", "The text encoders with the LoRA.")
      .fingerprint(fingerprint_of("loras", {"lora_name"}));
}

const RegisterNode kLoraLoader{
    lora_loader_node(
        NodeType("LoraLoader")
            .label("Load LoRA")
            .category("loaders")
            .description(
                "Puts a LoRA or a relative (LoHa, LoKr, DoRA, OFT, …) on the model and the "
                "text encoders. The checkpoint itself is never changed; several LoRAs stack."))
        .run(run_lora_loader)};

const RegisterNode kLoraLoaderBlocks{
    lora_loader_node(
        NodeType("LoraLoaderBlocks")
            .label("Load LoRA (Blocks)")
            .category("loaders")
            .description(
                "Puts a LoRA or a relative on the model with a factor for each block of the "
                "U-Net, and on the text encoders."))
        .input(
            text("blocks", "middle_block=1")
                .multiline()
                .tooltip("Factors on strength_model: input_blocks=0.5, output_blocks.3=0. Blocks "
                         "that are not named count wholly."))
        .run(run_by_blocks)};

const RegisterNode kLoraLoaderModelOnly{
    NodeType("LoraLoaderModelOnly")
        .label("Load LoRA (Model)")
        .category("loaders")
        .description("Puts a LoRA or a relative on the model and leaves the text encoders alone.")
        .input(socket("model", "MODEL").tooltip("The model to put the LoRA on."))
        .input(name_input())
        .input(strength_input("strength_model", "How much the model changes. May be negative."))
        .output("MODEL", "", "The model with the LoRA.")
        .fingerprint(fingerprint_of("loras", {"lora_name"}))
        .run(run_model_only)};

}  // namespace
}  // namespace obscura::nodes
