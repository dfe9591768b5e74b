// Nodes that write models, with LoRAs and merges applied.
#include <filesystem>

#include "graph/node_registry.h"
#include "nodes/saving.h"
#include "nodes/sockets.h"
#include "pipeline/save.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::SavedNetworks;

Result<NodeResult> save_networks(NodeCall& call, const SavedNetworks& networks) {
  io::SafetensorsMetadata metadata =
      pipeline::model_spec(networks, call.get<std::string>("filename_prefix"));
  add_workflow(call, metadata);
  OBSCURA_TRY(store_file(call, "safetensors", [&](const std::filesystem::path& path) {
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

const RegisterNode kCheckpointSave{saving_node(
    NodeType("CheckpointSave")
        .label("Save Checkpoint")
        .category("advanced/model_merging")
        .description(
            "Writes model, text encoders and VAE as one checkpoint, with LoRAs and merges applied.")
        .input(socket("model", "MODEL"))
        .input(socket("clip", "CLIP"))
        .input(socket("vae", "VAE"))
        .input(text("filename_prefix", "checkpoints/ComfyUI"))
        .run(save_checkpoint))};

const RegisterNode kModelSave{saving_node(
    NodeType("ModelSave")
        .label("ModelSave")
        .category("advanced/model_merging")
        .description("Writes the model that removes noise, with LoRAs and merges applied.")
        .input(socket("model", "MODEL"))
        .input(text("filename_prefix", "diffusion_models/ComfyUI"))
        .run(save_model))};

const RegisterNode kCLIPSave{
    saving_node(NodeType("CLIPSave")
                    .label("CLIPSave")
                    .category("advanced/model_merging")
                    .description("Writes the text encoders, with LoRAs and merges applied.")
                    .input(socket("clip", "CLIP"))
                    .input(text("filename_prefix", "clip/ComfyUI"))
                    .run(save_encoders))};

const RegisterNode kVAESave{saving_node(NodeType("VAESave")
                                            .label("VAESave")
                                            .category("advanced/model_merging")
                                            .description("Writes the VAE.")
                                            .input(socket("vae", "VAE"))
                                            .input(text("filename_prefix", "vae/ComfyUI_vae"))
                                            .run(save_vae))};

}  // namespace
}  // namespace obscura::nodes
