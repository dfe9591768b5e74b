#include "graph/node_registry.h"
#include "nodes/model_folders.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;

std::vector<std::string> checkpoints(const Environment& environment) {
  return environment.get<ModelFolders>().list("checkpoints");
}

Result<std::optional<std::string>> fingerprint(const NodeInputs& inputs,
                                               const Environment& environment) {
  // A name that arrives over a link is known only later; what it then means is looked up each time.
  if (!inputs.has("ckpt_name")) return std::optional<std::string>();
  OBSCURA_ASSIGN(std::string identity, environment.get<ModelFolders>().identity(
                                           "checkpoints", inputs.get<std::string>("ckpt_name")));
  return std::optional<std::string>(std::move(identity));
}

Result<NodeResult> run(NodeCall& call) {
  OBSCURA_ASSIGN(auto file, call.environment<ModelFolders>().open_checkpoint(
                                call.get<std::string>("ckpt_name")));
  OBSCURA_ASSIGN(pipeline::Checkpoint checkpoint, pipeline::load_checkpoint(file));
  const auto& unknown = file->layout().tensors.unknown;
  if (!unknown.empty()) {
    call.warn(file->name() + ": " + std::to_string(unknown.size()) +
              " tensors have no place in the model and are left out, the first is " +
              unknown.front()->name);
  }
  return NodeResult{Value::handle("MODEL", checkpoint.model),
                    Value::handle("CLIP", checkpoint.text), Value::handle("VAE", checkpoint.vae)};
}

const RegisterNode kRegistered{
    NodeType("CheckpointLoaderSimple")
        .label("Load Checkpoint")
        .category("loaders")
        .description("Opens a checkpoint: the model that removes noise, the text encoders and the "
                     "VAE. What it is, is read from the file itself.")
        .input(choice("ckpt_name", checkpoints).tooltip("A file of the checkpoints folder."))
        .output("MODEL", "", "Removes noise from latents.")
        .output("CLIP", "", "Encodes prompts.")
        .output("VAE", "", "Turns pictures into latents and back.")
        .fingerprint(fingerprint)
        .run(run)};

}  // namespace
}  // namespace obscura::nodes
