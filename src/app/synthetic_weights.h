// Weights for timing: the names and shapes of a real checkpoint over one small block of random
// numbers.
#pragma once

#include <memory>
#include <string>

#include "runtime/weight_store.h"

namespace obscura::app {

// The component of SDXL base whose tensors begin with `prefix` ("model.diffusion_model."), as
// float16. Every tensor reads the same block of memory, so that the full 2.6-billion-parameter
// network fits beside anything; the values are small enough for the network to stay finite.
Result<std::shared_ptr<runtime::WeightStore>> synthetic_sdxl(const std::string& prefix);

}  // namespace obscura::app
