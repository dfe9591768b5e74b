// Hooks of LoRAs, and of whole models taken as such, that belong to a conditioning.
#include "graph/node_registry.h"
#include "library/lora_files.h"
#include "library/model_folders.h"
#include "nodes/hooks/hooks_value.h"
#include "nodes/loaders/model_inputs.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::Hook;
using pipeline::Hooks;

// `hook` behind those of "prev_hooks".
NodeResult with_previous(const NodeCall& call, const Hook& hook) {
  return hooks_result(pipeline::combined(linked_hooks(call, "prev_hooks"),
                                         std::make_shared<const Hooks>(Hooks{{hook}})));
}

// Not even its file is looked for.
bool has_no_strength(const Hook& hook) {
  return hook.model_strength == 0 && hook.text_strength == 0;
}

// `has_text`: the node has a strength for the text encoders.
Hook hook_of_strengths(const NodeCall& call, bool has_text) {
  Hook hook;
  hook.model_strength = call.get<double>("strength_model");
  hook.text_strength = has_text ? call.get<double>("strength_clip") : 0;
  return hook;
}

template <bool has_text>
Result<NodeResult> hook_lora(NodeCall& call) {
  Hook hook = hook_of_strengths(call, has_text);
  if (has_no_strength(hook)) return hooks_result(linked_hooks(call, "prev_hooks"));
  OBSCURA_ASSIGN(hook.adapter, library::open_lora(call.environment<library::ModelFolders>(),
                                                  call.get<std::string>("lora_name")));
  return with_previous(call, hook);
}

template <bool has_text>
Result<NodeResult> hook_model(NodeCall& call) {
  Hook hook = hook_of_strengths(call, has_text);
  if (has_no_strength(hook)) return hooks_result(linked_hooks(call, "prev_hooks"));
  OBSCURA_ASSIGN(auto file, open_model(call, "checkpoints", "ckpt_name"));
  OBSCURA_ASSIGN(pipeline::Checkpoint checkpoint, pipeline::load_checkpoint(file));
  hook.model = std::move(checkpoint.model);
  hook.text = std::move(checkpoint.text);
  return with_previous(call, hook);
}

constexpr const char* kCreateCategory = "advanced/hooks/create";

const RegisterNode kCreateHookLora{
    hook_node(NodeType("CreateHookLora")
                  .label("Create Hook LoRA")
                  .description("A LoRA that counts only for the conditionings that get it.")
                  .input(model_input("lora_name", "loras", "A file of the loras folder."))
                  .input(hook_strength("strength_model"))
                  .input(hook_strength("strength_clip"))
                  .optional(socket("prev_hooks", "HOOKS"))
                  .fingerprint(fingerprint_of("loras", {"lora_name"}))
                  .run(hook_lora<true>),
              kCreateCategory)};

const RegisterNode kCreateHookLoraModelOnly{
    hook_node(NodeType("CreateHookLoraModelOnly")
                  .label("Create Hook LoRA (MO)")
                  .description("The same for the model alone.")
                  .input(model_input("lora_name", "loras", "A file of the loras folder."))
                  .input(hook_strength("strength_model"))
                  .optional(socket("prev_hooks", "HOOKS"))
                  .fingerprint(fingerprint_of("loras", {"lora_name"}))
                  .run(hook_lora<false>),
              kCreateCategory)};

const RegisterNode kCreateHookModelAsLora{hook_node(
    NodeType("CreateHookModelAsLora")
        .label("Create Hook Model as LoRA")
        .description("Another checkpoint that takes the model's place for the conditionings that "
                     "get it; strengths between 0 and 1 mix the two.")
        .input(model_input("ckpt_name", "checkpoints", "A file of the checkpoints folder."))
        .input(hook_strength("strength_model"))
        .input(hook_strength("strength_clip"))
        .optional(socket("prev_hooks", "HOOKS"))
        .fingerprint(fingerprint_of("checkpoints", {"ckpt_name"}))
        .run(hook_model<true>),
    kCreateCategory)};

const RegisterNode kCreateHookModelAsLoraModelOnly{hook_node(
    NodeType("CreateHookModelAsLoraModelOnly")
        .label("Create Hook Model as LoRA (MO)")
        .description("The same for the model alone.")
        .input(model_input("ckpt_name", "checkpoints", "A file of the checkpoints folder."))
        .input(hook_strength("strength_model"))
        .optional(socket("prev_hooks", "HOOKS"))
        .fingerprint(fingerprint_of("checkpoints", {"ckpt_name"}))
        .run(hook_model<false>),
    kCreateCategory)};

}  // namespace
}  // namespace obscura::nodes
