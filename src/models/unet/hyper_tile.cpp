#include "models/unet/hyper_tile.h"

#include <algorithm>
#include <bit>
#include <vector>

namespace obscura::models {
namespace {

// The `draw`-th of the first `choices` numbers of tiles along `length`, the smallest tiles first.
std::int64_t tile_count(std::int64_t length, std::int64_t least, int choices, std::uint64_t draw) {
  std::vector<std::int64_t> counts;
  for (std::int64_t side = std::min(least, length); side <= length; ++side) {
    if (length % side == 0) counts.push_back(length / side);
    if (counts.size() == static_cast<std::size_t>(choices)) break;
  }
  return counts[draw % counts.size()];
}

}  // namespace

Tiles hyper_tiles(const HyperTile& options, std::int64_t height, std::int64_t width,
                  std::int64_t widening, int layer) {
  const bool is_level = widening > 0 && std::has_single_bit(static_cast<std::uint64_t>(widening));
  if (!is_level || widening > (std::int64_t{1} << options.max_depth)) return {};
  const std::int64_t doublings = options.scale_depth ? std::min<std::int64_t>(widening - 1, 16) : 0;
  const std::int64_t least = std::int64_t{options.tile} << doublings;
  // Knuth's multiplicative hash: neighbouring layers draw apart.
  auto draw = [&](std::uint64_t axis) {
    return ((2 * static_cast<std::uint64_t>(layer) + axis) * 2654435761u >> 16) & 0xffff;
  };
  return {tile_count(height, least, options.choices, draw(0)),
          tile_count(width, least, options.choices, draw(1))};
}

}  // namespace obscura::models
