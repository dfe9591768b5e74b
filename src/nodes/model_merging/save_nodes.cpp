// Nodes that write models and latents, and LoadLatent, which reads the latter.
#include <array>

#include "graph/node_registry.h"
#include "io/safetensors.h"
#include "io/safetensors_writer.h"
#include "library/folder_paths.h"
#include "library/image_sink.h"
#include "library/input_folder.h"
#include "nodes/image/save_images.h"
#include "nodes/sockets.h"
#include "pipeline/save.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::SavedNetworks;

constexpr std::array<std::string_view, 1> kLatentExtensions = {".latent"};
// Its presence says that a file's latent is not scaled.
constexpr const char* kUnscaledMark = "latent_format_version_0";
// What Stable Diffusion 1's latents were scaled by in files without the mark.
constexpr float kOldScale = 0.18215f;

// The workflow, under the keys that ComfyUI reads it back from.
void add_workflow(const NodeCall& call, io::SafetensorsMetadata& metadata) {
  metadata["prompt"] = call.prompt().dump();
  for (const auto& [key, value] : call.extra_pnginfo().items()) metadata[key] = value.dump();
}

Result<library::StoredFile> store(const NodeCall& call, std::string extension,
                                  std::function<Status(const std::filesystem::path&)> write) {
  library::FinishedFile file;
  file.node = call.node();
  file.prefix = call.get<std::string>("filename_prefix");
  file.extension = std::move(extension);
  file.write = std::move(write);
  return call.environment<library::ImageSink>().store(file);
}

Result<NodeResult> save_networks(NodeCall& call, const SavedNetworks& networks) {
  io::SafetensorsMetadata metadata =
      pipeline::model_spec(networks, call.get<std::string>("filename_prefix"));
  add_workflow(call, metadata);
  OBSCURA_TRY(store(call, "safetensors", [&](const std::filesystem::path& path) {
    return pipeline::save(path, networks, metadata, call.cancel_token());
  }));
  return NodeResult();
}

Result<NodeResult> save_checkpoint(NodeCall& call) {
  return save_networks(
      call, {call.share<pipeline::DiffusionModel>("model"),
             call.share<pipeline::TextEncoders>("clip"), call.share<pipeline::Vae>("vae")});
}

Result<NodeResult> save_model(NodeCall& call) {
  return save_networks(call, {call.share<pipeline::DiffusionModel>("model"), nullptr, nullptr});
}

Result<NodeResult> save_encoders(NodeCall& call) {
  return save_networks(call, {nullptr, call.share<pipeline::TextEncoders>("clip"), nullptr});
}

Result<NodeResult> save_vae(NodeCall& call) {
  return save_networks(call, {nullptr, nullptr, call.share<pipeline::Vae>("vae")});
}

Result<NodeResult> save_latent(NodeCall& call) {
  const Tensor& samples = call.get<pipeline::Latent>("samples").samples;
  io::SafetensorsMetadata metadata;
  add_workflow(call, metadata);
  auto write = [&](const std::filesystem::path& path) -> Status {
    OBSCURA_ASSIGN(auto writer,
                   io::SafetensorsWriter::create(path,
                                                 {{"latent_tensor", DType::kF32, samples.shape()},
                                                  {kUnscaledMark, DType::kF32, Shape{0}}},
                                                 metadata));
    OBSCURA_TRY(writer.write("latent_tensor", std::as_bytes(samples.values())));
    OBSCURA_TRY(writer.write(kUnscaledMark, {}));
    return writer.commit();
  };
  OBSCURA_ASSIGN(library::StoredFile place, store(call, "latent", write));
  return NodeResult().ui({{"latents", nlohmann::json::array({{{"filename", place.filename},
                                                              {"subfolder", place.subfolder},
                                                              {"type", place.type}}})}});
}

std::vector<std::string> latents(const Environment& environment) {
  return library::files_below(environment.get<library::InputFolder>().root(), kLatentExtensions,
                              false);
}

Result<std::optional<std::string>> fingerprint_save(const NodeInputs& inputs,
                                                    const Environment& environment) {
  if (!inputs.has("latent")) return std::optional<std::string>();
  OBSCURA_ASSIGN(std::string digest,
                 environment.get<library::InputFolder>().sha256(inputs.get<std::string>("latent")));
  return std::optional<std::string>(std::move(digest));
}

Status validate_latent(const NodeInputs& inputs, const Environment& environment) {
  if (!inputs.has("latent")) return {};
  auto path = environment.get<library::InputFolder>().find(inputs.get<std::string>("latent"));
  return path.ok() ? Status() : Status(path.error());
}

Result<NodeResult> load_latent(NodeCall& call) {
  const auto& name = call.get<std::string>("latent");
  OBSCURA_ASSIGN(MappedFile mapped, call.environment<library::InputFolder>().open(name));
  OBSCURA_ASSIGN(auto file, io::SafetensorsFile::parse(mapped.bytes(), name));
  const io::TensorEntry* entry = file.find("latent_tensor");
  if (entry == nullptr || entry->shape.rank() != 4 || !is_floating(entry->dtype)) {
    return Error(ErrorKind::kInvalidInput,
                 name + ": wanted a tensor latent_tensor (images, channels, height, width), " +
                     (entry == nullptr ? "found none" : "found one of " + entry->shape.text()));
  }
  pipeline::Latent latent{.samples = Tensor(entry->shape)};
  widen_to_f32(entry->dtype, entry->bytes.data(), latent.samples.data(),
               static_cast<std::size_t>(latent.samples.elements()));
  if (file.find(kUnscaledMark) == nullptr)
    for (float& value : latent.samples.values()) value /= kOldScale;
  return NodeResult{latent_value(std::move(latent))};
}

const RegisterNode kCheckpointSave{
    NodeType("CheckpointSave")
        .label("Save Checkpoint")
        .category("advanced/model_merging")
        .description(
            "Writes model, text encoders and VAE as one checkpoint, with LoRAs and merges applied.")
        .input(socket("model", "MODEL"))
        .input(socket("clip", "CLIP"))
        .input(socket("vae", "VAE"))
        .input(text("filename_prefix", "checkpoints/ComfyUI"))
        .hidden(Hidden::kPrompt)
        .hidden(Hidden::kExtraPngInfo)
        .output_node()
        .validate(validate_filename_prefix)
        .run(save_checkpoint)};

const RegisterNode kModelSave{
    NodeType("ModelSave")
        .label("ModelSave")
        .category("advanced/model_merging")
        .description("Writes the model that removes noise, with LoRAs and merges applied.")
        .input(socket("model", "MODEL"))
        .input(text("filename_prefix", "diffusion_models/ComfyUI"))
        .hidden(Hidden::kPrompt)
        .hidden(Hidden::kExtraPngInfo)
        .output_node()
        .validate(validate_filename_prefix)
        .run(save_model)};

const RegisterNode kCLIPSave{
    NodeType("CLIPSave")
        .label("CLIPSave")
        .category("advanced/model_merging")
        .description("Writes the text encoders, with LoRAs and merges applied.")
        .input(socket("clip", "CLIP"))
        .input(text("filename_prefix", "clip/ComfyUI"))
        .hidden(Hidden::kPrompt)
        .hidden(Hidden::kExtraPngInfo)
        .output_node()
        .validate(validate_filename_prefix)
        .run(save_encoders)};

const RegisterNode kVAESave{NodeType("VAESave")
                                .label("VAESave")
                                .category("advanced/model_merging")
                                .description("Writes the VAE.")
                                .input(socket("vae", "VAE"))
                                .input(text("filename_prefix", "vae/ComfyUI_vae"))
                                .hidden(Hidden::kPrompt)
                                .hidden(Hidden::kExtraPngInfo)
                                .output_node()
                                .validate(validate_filename_prefix)
                                .run(save_vae)};

const RegisterNode kSaveLatent{NodeType("SaveLatent")
                                   .label("SaveLatent")
                                   .category("_for_testing")
                                   .description("Writes a latent as it is, to go on with it later.")
                                   .input(socket("samples", "LATENT"))
                                   .input(text("filename_prefix", "latents/ComfyUI"))
                                   .hidden(Hidden::kPrompt)
                                   .hidden(Hidden::kExtraPngInfo)
                                   .output_node()
                                   .validate(validate_filename_prefix)
                                   .run(save_latent)};

const RegisterNode kLoadLatent{NodeType("LoadLatent")
                                   .label("LoadLatent")
                                   .category("_for_testing")
                                   .description("Reads a latent of the input folder.")
                                   .input(choice("latent", latents))
                                   .output("LATENT")
                                   .fingerprint(fingerprint_save)
                                   .validate(validate_latent, {"latent"})
                                   .run(load_latent)};

}  // namespace
}  // namespace obscura::nodes
