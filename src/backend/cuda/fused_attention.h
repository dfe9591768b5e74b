// Attention by one kernel of cuDNN's.
#pragma once

#include <memory>

#include "backend/cuda/attention_sizes.h"
#include "backend/cuda/kernel.h"

namespace obscura::backend::cuda {

// kUnsupported where cuDNN has none for the sizes.
Result<std::unique_ptr<Kernel>> make_fused_attention(Context& context, const AttentionSizes& sizes);

}  // namespace obscura::backend::cuda
