#include "fuzz/fuzz_safetensors.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  obscura::fuzz::fuzz_safetensors(std::as_bytes(std::span(data, size)));
  return 0;
}
