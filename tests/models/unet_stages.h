// The U-Net of the pocket model stage by stage, as diffusers computes it.
#pragma once

#include <string>
#include <vector>

#include "models/golden.h"

namespace obscura::models {

// The scopes whose results are known, in the order in which they run.
inline const std::vector<std::string> kUNetStages = {
    "input_blocks.0",   "time_embed",       "label_emb",       "input_blocks.3",
    "input_blocks.4.0", "input_blocks.4.1", "input_blocks.6",  "input_blocks.8",
    "middle_block",     "output_blocks.2",  "output_blocks.5", "output_blocks.8"};

// The one call whose stages are known: batch of one, 32 x 32.
inline ir::NamedTensors unet_reference_inputs() {
  return {{"x", channels_last(reference("in.x"))},
          {"timestep", reference("in.timestep")},
          {"context", reference("in.context")},
          {"y", label(reference("in.pooled"), {{256, 256, 0, 0, 256, 256}})}};
}

// "none", or the name and the relative error of the first stage beyond `tolerance`.
inline std::string first_stage_that_differs(const ir::NamedTensors& outputs, double tolerance) {
  for (const std::string& stage : kUNetStages) {
    Tensor wanted = reference("act." + stage);
    if (wanted.shape().rank() == 4) wanted = channels_last(wanted);
    double error = relative_error(outputs.at(stage), wanted);
    if (!(error <= tolerance)) return stage + " by " + std::to_string(error);
  }
  return "none";
}

}  // namespace obscura::models
