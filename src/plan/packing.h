// Offline memory allocation: buffers with known sizes and lifetimes, placed in one arena.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace obscura::plan {

struct Buffer {
  std::size_t bytes = 0;
  int first = 0, last = 0;  // steps during which it must keep its content, both included
  std::size_t offset = 0;   // the result, a multiple of kAlignment
};

// Sets every offset and returns the size of the arena. With `piece_bytes`, a multiple of
// kAlignment, the arena is had in pieces of that size (the last may be smaller) and no buffer lies
// across two; REQUIRES: none is larger. Largest first, each at the lowest place that is free during
// its whole life: never worse than twice the optimum in practice, and equal to the largest live sum
// on the networks here.
std::size_t pack(std::vector<Buffer>& buffers, std::size_t piece_bytes = 0);

// The largest sum of sizes that live in one step: no packing can do with less.
std::size_t live_peak(const std::vector<Buffer>& buffers);

// Sizes laid one after the other into pieces of memory.
struct Pieces {
  struct Place {
    std::size_t piece = 0, offset = 0;
  };
  std::vector<std::size_t> bytes;  // of each piece
  std::vector<Place> places;       // of each size; offsets are multiples of kAlignment
};
// In their order, a new piece where one would grow beyond `limit` bytes; 0: all in one. A size
// beyond the limit has a piece of its own.
Pieces fill_pieces(std::span<const std::size_t> sizes, std::size_t limit);

}  // namespace obscura::plan
