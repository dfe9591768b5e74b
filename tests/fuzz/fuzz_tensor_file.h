// What must hold for any bytes given to the readers of model files.
#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <string_view>

#include "base/check.h"
#include "io/tensor_file.h"

namespace obscura::fuzz {

// Throws InternalError, or trips a sanitizer, if a reader accepts what it should not. Returns
// whether it accepted.
inline bool fuzz_tensor_file(std::span<const std::byte> input) {
  auto file = io::TensorFile::parse(input, "input");
  if (!file.ok()) {
    OBSCURA_CHECK(!file.error().message().empty(), "an error without a message");
    return false;
  }
  std::set<std::string_view> names;
  unsigned sum = 0;
  for (const io::TensorEntry& entry : file->entries()) {
    OBSCURA_CHECK(names.insert(entry.name).second, "two tensors of one name");
    OBSCURA_CHECK(entry.bytes.size() == bytes_of(entry.dtype, entry.shape.elements()),
                  "a tensor's bytes disagree with its shape");
    for (std::byte byte : entry.bytes) sum += std::to_integer<unsigned>(byte);
  }
  volatile unsigned read = sum;  // so that the bytes are truly read
  (void)read;
  return true;
}

}  // namespace obscura::fuzz
