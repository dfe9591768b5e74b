#include "fuzz/fuzz_png.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  obscura::fuzz::fuzz_png(std::as_bytes(std::span(data, size)));
  return 0;
}
