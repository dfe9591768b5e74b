// Reads the pickle in a PyTorch file by a machine that can do nothing but build containers and note
// tensors. A pickle is a program that may call any function of Python's; here no function exists.
// What names one that would not merely rebuild a tensor is refused by that name.
// https://docs.python.org/3/library/pickletools.html, protocols 2 to 5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "tensor/dtype.h"

namespace obscura::io {

// A tensor as the pickle describes it: a view of a storage that lies elsewhere.
struct PickledTensor {
  std::string name;     // the keys of the dictionaries on the way to it, joined by "."
  std::string storage;  // the storage's key
  DType dtype = DType::kF32;
  std::int64_t offset = 0;                   // in elements
  std::vector<std::int64_t> sizes, strides;  // of equal length, none negative
};

// All tensors that dictionaries hold, in their order; of two with one name the later, as in Python.
// Lists are not looked into: what trainers keep there is no weight. kUnsupported naming what the
// pickle wants to call; kCorrupt if it breaks the format.
Result<std::vector<PickledTensor>> read_torch_pickle(std::span<const std::byte> bytes);

}  // namespace obscura::io
