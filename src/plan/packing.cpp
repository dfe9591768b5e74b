#include "plan/packing.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "plan/plan.h"

namespace obscura::plan {
namespace {

std::size_t align(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

std::size_t pack(std::vector<Buffer>& buffers) {
  std::vector<std::size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return buffers[a].bytes > buffers[b].bytes;
  });
  std::vector<std::size_t> placed;  // kept in order of offset
  std::size_t arena = 0;
  for (std::size_t index : order) {
    Buffer& buffer = buffers[index];
    std::size_t candidate = 0;
    for (std::size_t other_index : placed) {
      const Buffer& other = buffers[other_index];
      if (other.last < buffer.first || buffer.last < other.first) continue;
      if (candidate + buffer.bytes <= other.offset) break;
      candidate = std::max(candidate, align(other.offset + other.bytes));
    }
    buffer.offset = candidate;
    arena = std::max(arena, candidate + align(buffer.bytes));
    auto later = std::upper_bound(
        placed.begin(), placed.end(), candidate,
        [&](std::size_t offset, std::size_t p) { return offset < buffers[p].offset; });
    placed.insert(later, index);
  }
  return arena;
}

std::size_t live_peak(const std::vector<Buffer>& buffers) {
  std::map<int, std::ptrdiff_t> change;
  for (const Buffer& buffer : buffers) {
    change[buffer.first] += static_cast<std::ptrdiff_t>(align(buffer.bytes));
    change[buffer.last + 1] -= static_cast<std::ptrdiff_t>(align(buffer.bytes));
  }
  std::ptrdiff_t live = 0, peak = 0;
  for (const auto& [step, delta] : change) peak = std::max(peak, live += delta);
  return static_cast<std::size_t>(peak);
}

}  // namespace obscura::plan
