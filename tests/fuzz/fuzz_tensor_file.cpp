#include <cstdint>

#include "fuzz/fuzz_tensor_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  obscura::fuzz::fuzz_tensor_file(std::as_bytes(std::span(data, size)));
  return 0;
}
