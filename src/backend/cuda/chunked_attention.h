// Attention as products and a softmax over a chunk of queries at a time, so that the scores of a
// head never exist as a whole: for every size and type, masked or not.
#pragma once

#include <memory>
#include <optional>

#include "backend/cuda/attention_sizes.h"
#include "backend/cuda/kernel.h"

namespace obscura::backend::cuda {

// The mask is operand 3.
Result<std::unique_ptr<Kernel>> make_chunked_attention(Context& context,
                                                       const AttentionSizes& sizes,
                                                       const std::optional<AttentionMask>& mask);

}  // namespace obscura::backend::cuda
