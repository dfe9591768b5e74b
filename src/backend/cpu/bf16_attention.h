// Attention with q, k, v and the probabilities rounded to bfloat16; scores and sums in float32.
#pragma once

#include "backend/cpu/kernel.h"

namespace obscura::backend::cpu {

Result<std::unique_ptr<Kernel>> make_bf16_attention(const KernelRequest& request);

}  // namespace obscura::backend::cpu
