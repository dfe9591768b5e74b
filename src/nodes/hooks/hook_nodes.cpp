// Nodes of hooks: LoRAs, or whole models taken as such, that belong to a conditioning and may come
// and go while sampling.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "graph/node_registry.h"
#include "library/model_folders.h"
#include "nodes/loaders/model_inputs.h"
#include "nodes/sockets.h"
#include "pipeline/hooks.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::Hook;
using pipeline::HookKeyframe;
using pipeline::Hooks;
using HooksPtr = std::shared_ptr<const Hooks>;

// The socket HOOK_KEYFRAMES.
struct Keyframes {
  std::vector<HookKeyframe> all;
};

HooksPtr linked_hooks(const NodeCall& call, const char* input) {
  return call.has(input) ? call.share<Hooks>(input) : nullptr;
}

NodeResult hooks_result(HooksPtr hooks) {
  if (hooks == nullptr) hooks = std::make_shared<const Hooks>();
  return NodeResult{Value::handle<Hooks>("HOOKS", std::move(hooks))};
}

// `hook` behind those of "prev_hooks".
NodeResult with_previous(const NodeCall& call, const Hook& hook) {
  return hooks_result(
      combined(linked_hooks(call, "prev_hooks"), std::make_shared<const Hooks>(Hooks{{hook}})));
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
  OBSCURA_ASSIGN(hook.adapter, open_adapter(call, call.get<std::string>("lora_name")));
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

template <class... Names>
NodeBody combine_all(Names... inputs) {
  return [=](NodeCall& call) -> Result<NodeResult> {
    HooksPtr all;
    for (const char* input : {inputs...}) all = combined(all, linked_hooks(call, input));
    return hooks_result(all);
  };
}

Result<NodeResult> set_keyframes(NodeCall& call) {
  auto hooks = std::make_shared<Hooks>(call.get<Hooks>("hooks"));
  const auto* keyframes = call.find<Keyframes>("hook_kf");
  for (Hook& hook : hooks->all)
    hook.keyframes = keyframes ? keyframes->all : std::vector<HookKeyframe>();
  return hooks_result(std::move(hooks));
}

// These with those of "prev_hook_kf", by their times; of two at one time the new one comes last.
NodeResult with_previous_keyframes(const NodeCall& call, const std::vector<HookKeyframe>& added) {
  Keyframes keyframes;
  if (const auto* previous = call.find<Keyframes>("prev_hook_kf")) keyframes = *previous;
  keyframes.all.insert(keyframes.all.end(), added.begin(), added.end());
  std::stable_sort(keyframes.all.begin(), keyframes.all.end(),
                   [](const HookKeyframe& a, const HookKeyframe& b) {
                     return a.start_percent < b.start_percent;
                   });
  return NodeResult{Value::handle("HOOK_KEYFRAMES", std::move(keyframes))};
}

Result<NodeResult> keyframe(NodeCall& call) {
  return with_previous_keyframes(
      call, {{call.get<double>("strength_mult"), call.get<double>("start_percent")}});
}

// How far from one value to the other at `part` of the way.
double eased(const std::string& interpolation, double part) {
  if (interpolation == "ease_in") return part * part;
  if (interpolation == "ease_out") return 1 - (1 - part) * (1 - part);
  if (interpolation == "ease_in_out") return (1 - std::cos(part * std::numbers::pi)) / 2;
  return part;
}

Result<NodeResult> keyframes_between(NodeCall& call) {
  const auto from = call.get<double>("strength_start"), to = call.get<double>("strength_end");
  const auto start = call.get<double>("start_percent"), end = call.get<double>("end_percent");
  const int count = call.get<int>("keyframes_count");
  std::vector<HookKeyframe> keyframes;
  for (int i = 0; i < count; ++i) {
    const double part = static_cast<double>(i) / (count - 1);
    keyframes.push_back({from + (to - from) * eased(call.get<std::string>("interpolation"), part),
                         start + (end - start) * part});
  }
  return with_previous_keyframes(call, keyframes);
}

Result<NodeResult> set_clip_hooks(NodeCall& call) {
  if (!call.has("hooks"))
    return NodeResult{Value::handle("CLIP", call.share<pipeline::TextEncoders>("clip"))};
  auto text = std::make_shared<pipeline::TextEncoders>(call.get<pipeline::TextEncoders>("clip"));
  text->hooks = call.share<Hooks>("hooks");
  text->hooks_are_scheduled = call.get<bool>("schedule_clip");
  text->conditions_have_hooks = call.get<bool>("apply_to_conds");
  return NodeResult{Value::handle<pipeline::TextEncoders>("CLIP", std::move(text))};
}

InputSpec hook_strength(const char* name) {
  return number(name, 1.0).range(-20.0, 20.0).step(0.01);
}

InputSpec part_of_sampling(const char* name, double at) {
  return number(name, at).range(0.0, 1.0).step(0.001);
}

NodeType& hook_node(NodeType& node, const char* category) {
  return node.category(category).output("HOOKS").experimental();
}

NodeType& keyframe_node(NodeType& node) {
  return node.optional(socket("prev_hook_kf", "HOOK_KEYFRAMES"))
      .category("advanced/hooks/scheduling")
      .output("HOOK_KEYFRAMES", "HOOK_KF")
      .experimental();
}

constexpr const char* kCreate = "advanced/hooks/create";

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
              kCreate)};

const RegisterNode kCreateHookLoraModelOnly{
    hook_node(NodeType("CreateHookLoraModelOnly")
                  .label("Create Hook LoRA (MO)")
                  .description("The same for the model alone.")
                  .input(model_input("lora_name", "loras", "A file of the loras folder."))
                  .input(hook_strength("strength_model"))
                  .optional(socket("prev_hooks", "HOOKS"))
                  .fingerprint(fingerprint_of("loras", {"lora_name"}))
                  .run(hook_lora<false>),
              kCreate)};

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
    kCreate)};

const RegisterNode kCreateHookModelAsLoraModelOnly{hook_node(
    NodeType("CreateHookModelAsLoraModelOnly")
        .label("Create Hook Model as LoRA (MO)")
        .description("The same for the model alone.")
        .input(model_input("ckpt_name", "checkpoints", "A file of the checkpoints folder."))
        .input(hook_strength("strength_model"))
        .optional(socket("prev_hooks", "HOOKS"))
        .fingerprint(fingerprint_of("checkpoints", {"ckpt_name"}))
        .run(hook_model<false>),
    kCreate)};

const RegisterNode kSetHookKeyframes{
    hook_node(NodeType("SetHookKeyframes")
                  .label("Set Hook Keyframes")
                  .description("Gives hooks their strengths over time; without keyframes they "
                               "count all the time.")
                  .input(socket("hooks", "HOOKS"))
                  .optional(socket("hook_kf", "HOOK_KEYFRAMES"))
                  .run(set_keyframes),
              "advanced/hooks/scheduling")};

const RegisterNode kCreateHookKeyframe{
    keyframe_node(NodeType("CreateHookKeyframe")
                      .label("Create Hook Keyframe")
                      .description("From a part of the sampling on, hooks count this much.")
                      .input(hook_strength("strength_mult"))
                      .input(part_of_sampling("start_percent", 0))
                      .run(keyframe))};

const RegisterNode kCreateHookKeyframesInterpolated{keyframe_node(
    NodeType("CreateHookKeyframesInterpolated")
        .label("Create Hook Keyframes Interp.")
        .description("Keyframes at equal distances, from one strength to another.")
        .input(number("strength_start", 1.0).range(0.0, 10.0).step(0.001))
        .input(number("strength_end", 1.0).range(0.0, 10.0).step(0.001))
        .input(choice("interpolation", {"linear", "ease_in", "ease_out", "ease_in_out"}))
        .input(part_of_sampling("start_percent", 0))
        .input(part_of_sampling("end_percent", 1))
        .input(integer("keyframes_count", 5).range(2, 100).step(1))
        .input(toggle("print_keyframes", false).tooltip("Passed over: there is no console."))
        .run(keyframes_between))};

constexpr const char* kCombineCategory = "advanced/hooks/combine";
constexpr const char* kCombines = "All of them together, in this order.";

const RegisterNode kCombineHooks2{hook_node(NodeType("CombineHooks2")
                                                .label("Combine Hooks [2]")
                                                .description(kCombines)
                                                .optional(socket("hooks_A", "HOOKS"))
                                                .optional(socket("hooks_B", "HOOKS"))
                                                .run(combine_all("hooks_A", "hooks_B")),
                                            kCombineCategory)};

const RegisterNode kCombineHooks4{
    hook_node(NodeType("CombineHooks4")
                  .label("Combine Hooks [4]")
                  .description(kCombines)
                  .optional(socket("hooks_A", "HOOKS"))
                  .optional(socket("hooks_B", "HOOKS"))
                  .optional(socket("hooks_C", "HOOKS"))
                  .optional(socket("hooks_D", "HOOKS"))
                  .run(combine_all("hooks_A", "hooks_B", "hooks_C", "hooks_D")),
              kCombineCategory)};

const RegisterNode kCombineHooks8{
    hook_node(NodeType("CombineHooks8")
                  .label("Combine Hooks [8]")
                  .description(kCombines)
                  .optional(socket("hooks_A", "HOOKS"))
                  .optional(socket("hooks_B", "HOOKS"))
                  .optional(socket("hooks_C", "HOOKS"))
                  .optional(socket("hooks_D", "HOOKS"))
                  .optional(socket("hooks_E", "HOOKS"))
                  .optional(socket("hooks_F", "HOOKS"))
                  .optional(socket("hooks_G", "HOOKS"))
                  .optional(socket("hooks_H", "HOOKS"))
                  .run(combine_all("hooks_A", "hooks_B", "hooks_C", "hooks_D", "hooks_E", "hooks_F",
                                   "hooks_G", "hooks_H")),
              kCombineCategory)};

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
