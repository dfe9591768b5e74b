// The U-Net of the pocket model stage by stage: diffusers' names and results, and ours.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "models/golden.h"

namespace obscura::models {

// Diffusers' name of a stage and the scope whose result it is, in the order in which they run.
inline constexpr std::pair<const char*, const char*> kUNetStages[] = {
    {"conv_in", "input_blocks.0"},
    {"time_embedding", "time_embed"},
    {"label_embedding", "label_emb"},
    {"down_0", "input_blocks.3"},
    {"down_1_resnet_0", "input_blocks.4.0"},
    {"down_1_attention_0", "input_blocks.4.1"},
    {"down_1", "input_blocks.6"},
    {"down_2", "input_blocks.8"},
    {"mid", "middle_block"},
    {"up_0", "output_blocks.2"},
    {"up_1", "output_blocks.5"},
    {"up_2", "output_blocks.8"},
};

inline std::vector<std::string> unet_stage_scopes() {
  std::vector<std::string> scopes;
  for (auto [theirs, ours] : kUNetStages) scopes.emplace_back(ours);
  return scopes;
}

// The one call whose stages are known: batch of one, 32 x 32.
inline ir::NamedTensors unet_reference_inputs() {
  return {{"x", channels_last(reference("unet_in"))},
          {"timestep", reference("unet_timestep")},
          {"context", reference("cond")},
          {"y", label(reference("pooled"), {{256, 256, 0, 0, 256, 256}})}};
}

// "none", or the name and the relative error of the first stage beyond `tolerance`.
inline std::string first_stage_that_differs(const ir::NamedTensors& outputs, double tolerance) {
  for (auto [theirs, ours] : kUNetStages) {
    Tensor wanted = reference(std::string("act.") + theirs);
    if (wanted.shape().rank() == 4) wanted = channels_last(wanted);
    double error = relative_error(outputs.at(ours), wanted);
    if (!(error <= tolerance)) return std::string(ours) + " by " + std::to_string(error);
  }
  return "none";
}

}  // namespace obscura::models
