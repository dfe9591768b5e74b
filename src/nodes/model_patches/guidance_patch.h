// Changes of guidance without a memory from step to step, as patches of a model.
#pragma once

#include <functional>
#include <utility>

#include "base/result.h"
#include "graph/node_call.h"
#include "nodes/changed.h"
#include "pipeline/model.h"
#include "pipeline/patches.h"
#include "tensor/tensor.h"

namespace obscura::nodes {

inline pipeline::GuidancePatch before_guidance(std::function<Status(pipeline::GuidanceStep&)> f) {
  return [=] { return pipeline::GuidanceFunctions{.before = f, .combine = {}, .after = {}}; };
}

inline pipeline::GuidancePatch in_place_of_guidance(
    std::function<Result<Tensor>(const pipeline::GuidanceStep&)> f) {
  return [=] { return pipeline::GuidanceFunctions{.before = {}, .combine = f, .after = {}}; };
}

// `needs_uncond`: the negative is asked even where cfg is 1.
inline pipeline::GuidancePatch after_guidance(
    std::function<Result<Tensor>(const pipeline::GuidanceStep&, Tensor)> f,
    bool needs_uncond = false) {
  return [=] {
    return pipeline::GuidanceFunctions{
        .before = {}, .combine = {}, .after = f, .needs_uncond = needs_uncond};
  };
}

// The model at the input "model" with one more patch.
inline graph::NodeResult with_guidance(const graph::NodeCall& call, pipeline::GuidancePatch patch) {
  return changed_model(call, [&](pipeline::DiffusionModel& model) {
    model.patches.guidance.push_back(std::move(patch));
  });
}

}  // namespace obscura::nodes
