// What must hold for any bytes given to the safetensors reader.
#pragma once

#include <cstddef>
#include <span>

#include "base/check.h"
#include "io/safetensors.h"

namespace obscura::fuzz {

// Throws InternalError, or trips a sanitizer, if the reader accepts what it should not. Returns
// whether it accepted.
inline bool fuzz_safetensors(std::span<const std::byte> input) {
  auto file = io::SafetensorsFile::parse(input, "input");
  if (!file.ok()) {
    OBSCURA_CHECK(!file.error().message().empty(), "an error without a message");
    return false;
  }
  const std::byte* next = file->entries().empty() ? nullptr : file->entries()[0].bytes.data();
  unsigned sum = 0;
  for (const io::TensorEntry& entry : file->entries()) {
    OBSCURA_CHECK(entry.bytes.data() == next, "the tensors do not lie end to end");
    next = entry.bytes.data() + entry.bytes.size();
    OBSCURA_CHECK(entry.bytes.size() ==
                      size_of(entry.dtype) * static_cast<std::size_t>(entry.shape.elements()),
                  "a tensor's bytes disagree with its shape");
    OBSCURA_CHECK(file->find(entry.name) == &entry, "a tensor cannot be found by its name");
    for (std::byte byte : entry.bytes) sum += std::to_integer<unsigned>(byte);
  }
  OBSCURA_CHECK(next == nullptr || next == input.data() + input.size(),
                "the tensors do not end with the file");
  volatile unsigned read = sum;  // so that the bytes are truly read
  (void)read;
  return true;
}

}  // namespace obscura::fuzz
