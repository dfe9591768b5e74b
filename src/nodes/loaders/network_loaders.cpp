// UNETLoader, VAELoader, CLIPLoader and DualCLIPLoader: networks from files of their own.
#include <fmt/format.h>

#include "graph/node_registry.h"
#include "library/taesd.h"
#include "nodes/loaders/model_inputs.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> load_unet(NodeCall& call) {
  OBSCURA_ASSIGN(auto file, open_model(call, "diffusion_models", "unet_name"));
  OBSCURA_ASSIGN(auto model, pipeline::load_model(file));
  if (const auto& dtype = call.get<std::string>("weight_dtype"); dtype != "default") {
    call.warn(
        fmt::format("weight_dtype {} is passed over: weights keep the precision of {}, and "
                    "--budget keeps the memory",
                    dtype, file->name()));
  }
  return NodeResult{Value::handle("MODEL", std::move(model))};
}

Result<NodeResult> load_vae(NodeCall& call) {
  if (const auto& name = call.get<std::string>("vae_name"); library::is_taesd(name)) {
    OBSCURA_ASSIGN(auto taesd,
                   library::open_taesd(call.environment<library::ModelFolders>(), name));
    return NodeResult{Value::handle("VAE", std::move(taesd))};
  }
  OBSCURA_ASSIGN(auto file, open_model(call, "vae", "vae_name"));
  OBSCURA_ASSIGN(auto vae, pipeline::load_vae(file));
  return NodeResult{Value::handle("VAE", std::move(vae))};
}

Result<std::optional<std::string>> fingerprint_of_vae(const NodeInputs& given,
                                                      const Environment& environment) {
  if (given.has("vae_name") && library::is_taesd(given.get<std::string>("vae_name"))) {
    OBSCURA_ASSIGN(std::string identity,
                   library::taesd_identity(environment.get<library::ModelFolders>(),
                                           given.get<std::string>("vae_name")));
    return std::optional<std::string>(std::move(identity));
  }
  return fingerprint_of("vae", {"vae_name"})(given, environment);
}

// The types are families; Obscura has the networks of one.
Status check_type(const NodeCall& call, const char* wanted) {
  const auto& type = call.get<std::string>("type");
  if (type == wanted) return {};
  return call.input_error(
      "type", ErrorKind::kUnsupported,
      fmt::format("{} is wanted, found {}: its model is not one that Obscura runs", wanted, type));
}

Result<NodeResult> load_text_encoder(NodeCall& call) {
  OBSCURA_TRY(check_type(call, "stable_diffusion"));
  OBSCURA_ASSIGN(auto file, open_model(call, "text_encoders", "clip_name"));
  OBSCURA_ASSIGN(auto encoders, pipeline::load_text_encoders({file}));
  return NodeResult{Value::handle("CLIP", std::move(encoders))};
}

Result<NodeResult> load_two_text_encoders(NodeCall& call) {
  OBSCURA_TRY(check_type(call, "sdxl"));
  OBSCURA_ASSIGN(auto first, open_model(call, "text_encoders", "clip_name1"));
  OBSCURA_ASSIGN(auto second, open_model(call, "text_encoders", "clip_name2"));
  OBSCURA_ASSIGN(auto encoders, pipeline::load_text_encoders({first, second},
                                                             checkpoint::family_with_encoders(2)));
  return NodeResult{Value::handle("CLIP", std::move(encoders))};
}

InputSpec device_input() {
  return choice("device", {"default", "cpu"}).tooltip("Text is encoded where the model runs.");
}

const RegisterNode kUNet{
    NodeType("UNETLoader")
        .label("Load Diffusion Model")
        .category("advanced/loaders")
        .description("Opens a U-Net that has a file of its own.")
        .input(model_input("unet_name", "diffusion_models",
                           "A file of the diffusion_models or "
                           "unet folder."))
        .input(choice("weight_dtype", {"default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2"})
                   .tooltip("The file's own precision is kept whatever is chosen."))
        .output("MODEL", "", "Removes noise from latents.")
        .fingerprint(fingerprint_of("diffusion_models", {"unet_name"}))
        .run(load_unet)};

const RegisterNode kVae{
    NodeType("VAELoader")
        .label("Load VAE")
        .category("loaders")
        .description(
            "Opens a VAE: from a file of its own, or the one in a checkpoint; or TAESD, the "
            "tiny one.")
        .input(choice("vae_name",
                      [](const Environment& environment) {
                        const auto& folders = environment.get<library::ModelFolders>();
                        std::vector<std::string> names = folders.list("vae");
                        for (std::string& name : library::taesd_names(folders))
                          names.push_back(std::move(name));
                        return names;
                      })
                   .tooltip("A file of the vae folder, or TAESD of the vae_approx folder."))
        .output("VAE", "", "Turns images into latents and back.")
        .fingerprint(fingerprint_of_vae)
        .run(load_vae)};

const RegisterNode kTextEncoder{
    NodeType("CLIPLoader")
        .label("Load CLIP")
        .category("advanced/loaders")
        .description("Opens a text encoder that has a file of its own: CLIP-L for Stable "
                     "Diffusion 1, OpenCLIP's ViT-H for 2, bigG for SDXL's refiner.")
        .input(model_input("clip_name", "text_encoders",
                           "A file of the text_encoders or clip "
                           "folder."))
        .input(choice("type", {"stable_diffusion", "stable_cascade", "sd3", "stable_audio", "mochi",
                               "ltxv", "pixart", "cosmos", "lumina2", "wan", "hidream", "chroma",
                               "ace", "omnigen2", "qwen_image", "hunyuan_image"})
                   .tooltip("stable_diffusion: which one is read from the file."))
        .optional(device_input())
        .output("CLIP", "", "Encodes prompts.")
        .fingerprint(fingerprint_of("text_encoders", {"clip_name"}))
        .run(load_text_encoder)};

const RegisterNode kTwoTextEncoders{
    NodeType("DualCLIPLoader")
        .label("DualCLIPLoader")
        .category("advanced/loaders")
        .description("Opens SDXL's two text encoders, in either order.")
        .input(model_input("clip_name1", "text_encoders", "CLIP-L or bigG."))
        .input(model_input("clip_name2", "text_encoders", "The other one."))
        .input(choice("type", {"sdxl", "sd3", "flux", "hunyuan_video", "hidream", "hunyuan_image"})
                   .tooltip("The family: sdxl."))
        .optional(device_input())
        .output("CLIP", "", "Encodes prompts.")
        .fingerprint(fingerprint_of("text_encoders", {"clip_name1", "clip_name2"}))
        .run(load_two_text_encoders)};

}  // namespace
}  // namespace obscura::nodes
