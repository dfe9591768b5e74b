// CheckpointLoaderSimple and DiffusersLoader: a model, its text encoders and its VAE at once.
#include <fmt/format.h>

#include "graph/node_registry.h"
#include "nodes/loaders/model_inputs.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

// What a file lacks stops the nodes that would need it, and says what would help.
template <class T>
Value value_or_blocker(const char* type, const std::shared_ptr<const T>& network,
                       const std::string& file, const char* what, const char* loader) {
  if (network != nullptr) return Value::handle(type, network);
  return Value::blocker(fmt::format("{} has no {}: {} loads one", file, what, loader));
}

Result<NodeResult> checkpoint_loaders_load(NodeCall& call, const char* kind, const char* input) {
  OBSCURA_ASSIGN(auto file, open_model(call, kind, input));
  OBSCURA_ASSIGN(pipeline::Checkpoint checkpoint, pipeline::load_checkpoint(file));
  return NodeResult{
      Value::handle("MODEL", checkpoint.model),
      value_or_blocker("CLIP", checkpoint.text, file->name(), "text encoders", "CLIPLoader"),
      value_or_blocker("VAE", checkpoint.vae, file->name(), "VAE", "VAELoader")};
}

NodeType& checkpoint_loaders_with_outputs(NodeType& node) {
  return node.output("MODEL", "", "Removes noise from latents.")
      .output("CLIP", "", "Encodes prompts.")
      .output("VAE", "", "Turns images into latents and back.");
}

const RegisterNode kCheckpoint{checkpoint_loaders_with_outputs(
    NodeType("CheckpointLoaderSimple")
        .label("Load Checkpoint")
        .category("loaders")
        .description("Opens a checkpoint: the model that removes noise, the text encoders and the "
                     "VAE. What it is, is read from the file itself.")
        .input(model_input("ckpt_name", "checkpoints", "A file of the checkpoints folder."))
        .fingerprint(fingerprint_of("checkpoints", {"ckpt_name"}))
        .run([](NodeCall& call) {
          return checkpoint_loaders_load(call, "checkpoints", "ckpt_name");
        }))};

const RegisterNode kCheckpointLoadersDiffusers{checkpoint_loaders_with_outputs(
    NodeType("DiffusersLoader")
        .label("DiffusersLoader")
        .category("advanced/loaders/deprecated")
        .description("Opens a model in the layout of the diffusers library: a folder with "
                     "model_index.json.")
        .input(model_input("model_path", "diffusers", "A folder of the diffusers folder."))
        .fingerprint(fingerprint_of("diffusers", {"model_path"}))
        .run([](NodeCall& call) {
          return checkpoint_loaders_load(call, "diffusers", "model_path");
        }))};

}  // namespace
}  // namespace obscura::nodes
