// LoraSave: the difference of two models as a LoRA.
#include "graph/node_registry.h"
#include "library/image_sink.h"
#include "nodes/saving.h"
#include "pipeline/save.h"
#include "pipeline/save_lora.h"

namespace obscura::nodes {
namespace {

using namespace graph;

std::shared_ptr<const pipeline::DiffusionModel> model_difference(const NodeCall& call) {
  return call.has("model_diff") ? call.share<pipeline::DiffusionModel>("model_diff") : nullptr;
}
std::shared_ptr<const pipeline::TextEncoders> text_difference(const NodeCall& call) {
  return call.has("text_encoder_diff") ? call.share<pipeline::TextEncoders>("text_encoder_diff")
                                       : nullptr;
}

// What readers of LoRAs look for: https://github.com/Stability-AI/ModelSpec.
io::SafetensorsMetadata lora_metadata(const NodeCall& call,
                                      const pipeline::Differences& differences,
                                      const pipeline::LoraOptions& options) {
  io::SafetensorsMetadata metadata = pipeline::model_spec({differences.model, nullptr, nullptr},
                                                          call.get<std::string>("filename_prefix"));
  if (auto found = metadata.find("modelspec.architecture"); found != metadata.end())
    found->second += "/lora";
  if (!options.whole) metadata["ss_network_dim"] = std::to_string(options.rank);
  if (!call.environment<library::ImageSink>().clean())
    for (io::TextEntry& text : workflow_texts(call)) metadata[text.key] = std::move(text.text);
  return metadata;
}

Result<NodeResult> run_lora_save(NodeCall& call) {
  const pipeline::Differences differences{model_difference(call), text_difference(call)};
  const pipeline::LoraOptions options{.rank = call.get<std::int64_t>("rank"),
                                      .whole = call.get<std::string>("lora_type") == "full_diff",
                                      .biases = call.get<bool>("bias_diff")};
  const io::SafetensorsMetadata metadata = lora_metadata(call, differences, options);
  OBSCURA_TRY(store_file(call, "safetensors", [&](const std::filesystem::path& path) {
    return pipeline::save_lora(
        path, differences, options, metadata, call.cancel_token(),
        [&](std::int64_t done, std::int64_t all) { call.progress(done, all); });
  }));
  return NodeResult();
}

const RegisterNode kLoraSave{saving_node(
    NodeType("LoraSave")
        .label("Extract and Save Lora")
        .category("_for_testing")
        .description("Writes the difference of two models (ModelMergeSubtract, CLIPMergeSubtract) "
                     "as a LoRA: of each layer what the rank can hold of it.")
        .experimental()
        .input(text("filename_prefix", "loras/ComfyUI_extracted_lora").multiline(false))
        .input(integer("rank", 8).range(1, 4096).step(1).tooltip(
            "How much of each difference is kept; the file grows with it."))
        .input(choice("lora_type", {"standard", "full_diff"})
                   .tooltip("\"full_diff\" keeps the differences whole."))
        .input(toggle("bias_diff", true).tooltip("Keeps those of biases and norms too."))
        .optional(socket("model_diff", "MODEL").tooltip("The output of ModelMergeSubtract."))
        .optional(socket("text_encoder_diff", "CLIP").tooltip("The output of CLIPMergeSubtract."))
        .run(run_lora_save))};

}  // namespace
}  // namespace obscura::nodes
