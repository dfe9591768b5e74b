// SDXL base checkpoints in the naming of Stability AI's generative-models, as sd_xl_base_1.0 and
// nearly all of its descendants have it.
#pragma once

#include "base/result.h"
#include "checkpoint/layout.h"
#include "checkpoint/tensor_names.h"

namespace obscura::checkpoint {

bool is_ldm_sdxl(const TensorNames& names);

// REQUIRES: is_ldm_sdxl(names).
Result<CheckpointLayout> read_ldm_sdxl(const TensorNames& names,
                                       const io::SafetensorsMetadata& metadata);

}  // namespace obscura::checkpoint
