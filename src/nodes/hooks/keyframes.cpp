// How hooks come and go while sampling.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "graph/node_registry.h"
#include "nodes/hooks/hooks_value.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using namespace graph;
using pipeline::Hook;
using pipeline::HookKeyframe;
using pipeline::Hooks;

// The socket HOOK_KEYFRAMES.
struct Keyframes {
  std::vector<HookKeyframe> all;
};

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

InputSpec part_of_sampling(const char* name, double at) {
  return number(name, at).range(0.0, 1.0).step(0.001);
}

NodeType& keyframe_node(NodeType& node) {
  return node.optional(socket("prev_hook_kf", "HOOK_KEYFRAMES"))
      .category("advanced/hooks/scheduling")
      .output("HOOK_KEYFRAMES", "HOOK_KF")
      .experimental();
}

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

}  // namespace
}  // namespace obscura::nodes
