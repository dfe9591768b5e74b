// Reads GGUF files, versions 2 and 3: https://github.com/ggml-org/ggml, "docs/gguf.md". Tensors may
// be packed (tensor/packed.h); those that ComfyUI-GGUF stores reshaped have their own shape again.
#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"
#include "io/tensor_file.h"

namespace obscura::io {

// Metadata are the file's texts ("general.architecture"). kCorrupt if the bytes break the format;
// kUnsupported for another version, or a type of tensor that Obscura does not have.
Result<TensorTable> read_gguf(std::span<const std::byte> bytes);

}  // namespace obscura::io
