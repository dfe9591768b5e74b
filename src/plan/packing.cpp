#include "plan/packing.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "plan/plan.h"

namespace obscura::plan {
namespace {

// The lowest place from `offset` on where so many bytes lie in one piece.
std::size_t within_piece(std::size_t offset, std::size_t bytes, std::size_t piece_bytes) {
  if (piece_bytes == 0 || bytes == 0) return offset;
  const std::size_t piece = offset / piece_bytes;
  return (offset + bytes - 1) / piece_bytes == piece ? offset : (piece + 1) * piece_bytes;
}

}  // namespace

std::size_t pack(std::vector<Buffer>& buffers, std::size_t piece_bytes) {
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
      candidate = within_piece(std::max(candidate, aligned(other.offset + other.bytes)),
                               buffer.bytes, piece_bytes);
    }
    buffer.offset = candidate;
    arena = std::max(arena, candidate + aligned(buffer.bytes));
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
    change[buffer.first] += static_cast<std::ptrdiff_t>(aligned(buffer.bytes));
    change[buffer.last + 1] -= static_cast<std::ptrdiff_t>(aligned(buffer.bytes));
  }
  std::ptrdiff_t live = 0, peak = 0;
  for (const auto& [step, delta] : change) peak = std::max(peak, live += delta);
  return static_cast<std::size_t>(peak);
}

Pieces fill_pieces(std::span<const std::size_t> sizes, std::size_t limit) {
  Pieces pieces;
  for (std::size_t size : sizes) {
    std::size_t offset = pieces.bytes.empty() ? 0 : aligned(pieces.bytes.back());
    if (pieces.bytes.empty() || (limit > 0 && offset + size > limit)) {
      pieces.bytes.push_back(0);
      offset = 0;
    }
    pieces.places.push_back({pieces.bytes.size() - 1, offset});
    pieces.bytes.back() = offset + size;
  }
  return pieces;
}

}  // namespace obscura::plan
