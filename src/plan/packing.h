// Offline memory allocation: buffers with known sizes and lifetimes, placed in one arena.
#pragma once

#include <cstddef>
#include <vector>

namespace obscura::plan {

struct Buffer {
  std::size_t bytes = 0;
  int first = 0, last = 0;  // steps during which it must keep its content, both included
  std::size_t offset = 0;   // the result, a multiple of kAlignment
};

// Sets every offset and returns the size of the arena. Largest first, each at the lowest place that
// is free during its whole life: never worse than twice the optimum in practice, and equal to the
// largest live sum on the networks here.
std::size_t pack(std::vector<Buffer>& buffers);

// The largest sum of sizes that live in one step: no packing can do with less.
std::size_t live_peak(const std::vector<Buffer>& buffers);

}  // namespace obscura::plan
