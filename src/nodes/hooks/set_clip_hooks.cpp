#include "graph/node_registry.h"
#include "nodes/changed.h"
#include "pipeline/hooks.h"
#include "pipeline/model.h"

namespace obscura::nodes {
namespace {

using namespace graph;

Result<NodeResult> set_clip_hooks(NodeCall& call) {
  if (!call.has("hooks")) return NodeResult{call.value("clip")};
  return changed<pipeline::TextEncoders>(call, "clip", "CLIP", [&](pipeline::TextEncoders& text) {
    text.hooks = call.share<pipeline::Hooks>("hooks");
    text.hooks_are_scheduled = call.get<bool>("schedule_clip");
    text.conditions_have_hooks = call.get<bool>("apply_to_conds");
  });
}

const RegisterNode kSetClipHooks{
    NodeType("SetClipHooks")
        .label("Set CLIP Hooks")
        .category("advanced/hooks/clip")
        .description("Encodes prompts with hooks on the text encoders: once at full strength, or "
                     "scheduled, for each keyframe.")
        .input(socket("clip", "CLIP"))
        .input(toggle("apply_to_conds", true))
        .input(toggle("schedule_clip", false))
        .optional(socket("hooks", "HOOKS"))
        .output("CLIP")
        .experimental()
        .run(set_clip_hooks)};

}  // namespace
}  // namespace obscura::nodes
