// SaveLatent and LoadLatent.
#include <array>
#include <filesystem>

#include "graph/node_registry.h"
#include "io/safetensors.h"
#include "io/safetensors_writer.h"
#include "library/folder_paths.h"
#include "library/input_folder.h"
#include "nodes/input_file.h"
#include "nodes/saving.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

constexpr std::array<std::string_view, 1> kLatentExtensions = {".latent"};
// Its presence says that a file's latent is not scaled.
constexpr const char* kUnscaledMark = "latent_format_version_0";
// What Stable Diffusion 1's latents were scaled by in files without the mark.
constexpr float kOldScale = 0.18215f;

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
  OBSCURA_ASSIGN(library::StoredFile place, store_file(call, "latent", write));
  return NodeResult().ui({{"latents", nlohmann::json::array({as_ui(place)})}});
}

std::vector<std::string> latent_files(const Environment& environment) {
  return library::files_below(environment.get<library::InputFolder>().root(), kLatentExtensions,
                              false);
}

Result<NodeResult> load_latent(NodeCall& call) {
  const auto& name = call.get<std::string>("latent");
  OBSCURA_ASSIGN(const std::string bytes,
                 call.environment<library::InputFolder>().read_bytes(name));
  OBSCURA_ASSIGN(auto file, io::SafetensorsFile::parse(std::as_bytes(std::span(bytes)), name));
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

const RegisterNode kSaveLatent{
    saving_node(NodeType("SaveLatent")
                    .label("SaveLatent")
                    .category("_for_testing")
                    .description("Writes a latent as it is, to go on with it later.")
                    .input(socket("samples", "LATENT"))
                    .input(text("filename_prefix", "latents/ComfyUI"))
                    .run(save_latent))};

const RegisterNode kLoadLatent{NodeType("LoadLatent")
                                   .label("LoadLatent")
                                   .category("_for_testing")
                                   .description("Reads a latent of the input folder.")
                                   .input(choice("latent", latent_files))
                                   .output("LATENT")
                                   .fingerprint(fingerprint_of_input_file("latent"))
                                   .validate(validate_input_file("latent"), {"latent"})
                                   .run(load_latent)};

}  // namespace
}  // namespace obscura::nodes
