// GGML's packed types: blocks of 32 or 256 elements, small integers with one or two scales a block.
// https://github.com/ggml-org/ggml, "ggml-quants.c"; the layouts are part of the GGUF format.
#pragma once

#include <cstddef>

#include "tensor/dtype.h"

namespace obscura {

// `count` elements from the start of a block, computed in float32 as GGML does. REQUIRES:
// block_of(dtype) > 1 divides `count`. Any bytes are a valid block.
void unpack_to_f32(DType dtype, const std::byte* source, float* target, std::size_t count);

}  // namespace obscura
