// What a file says about how its U-Net predicts.
#pragma once

#include "base/result.h"
#include "checkpoint/layout.h"
#include "checkpoint/tensor_names.h"

namespace obscura::checkpoint {

// Sets prediction and zero_terminal_snr from marks and metadata, and for a family whose
// files carry no mark (Stable Diffusion 2) from a weight that differs between its two kinds; all as
// ComfyUI and sd-scripts do. REQUIRES: layout.family and layout.components are set. kUnsupported
// for EDM's preconditioning.
Status read_prediction(const TensorNames& names, const io::SafetensorsMetadata& metadata,
                       CheckpointLayout& layout);

}  // namespace obscura::checkpoint
