#include "fuzz/fuzz_http.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  obscura::fuzz::fuzz_http(std::as_bytes(std::span(data, size)));
  return 0;
}
