// Reads files that PyTorch's torch.save wrote since version 1.6 (.ckpt, .pt, .pth, .bin): a zip
// file of a pickle and of one member for each storage. Tensors stay where they are in the file;
// nothing of it is executed (io/torch_pickle.h).
#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"
#include "io/tensor_file.h"

namespace obscura::io {

// Where the file has a "state_dict", as trainers write it, the tensors in that, under their names
// there; else all. kCorrupt if the bytes break the format; kUnsupported for a pickle that wants
// more than tensors, naming what, and for tensors that Obscura does not have.
Result<TensorTable> read_torch_file(std::span<const std::byte> bytes);

}  // namespace obscura::io
