#include "fuzz/fuzz_workflow.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  obscura::fuzz::fuzz_workflow(std::as_bytes(std::span(data, size)));
  return 0;
}
