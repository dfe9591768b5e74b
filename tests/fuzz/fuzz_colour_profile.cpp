#include "fuzz/fuzz_colour_profile.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  obscura::fuzz::fuzz_colour_profile(std::as_bytes(std::span(data, size)));
  return 0;
}
