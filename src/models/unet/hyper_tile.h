// How HyperTile divides an image, layer by layer.
#pragma once

#include <cstdint>

#include "models/unet/unet_changes.h"

namespace obscura::models {

// Of an image: the number of tiles along each side, which divides it.
struct Tiles {
  std::int64_t rows = 1, columns = 1;
  bool operator==(const Tiles&) const = default;
};

// For an image of this size in the `layer`-th transformer of the network, whose features are so
// many times as wide as those of the first level. Whole where HyperTile leaves the level alone. The
// same arguments give the same tiles: where ComfyUI draws by a count of calls, the layer decides.
Tiles hyper_tiles(const HyperTile& options, std::int64_t height, std::int64_t width,
                  std::int64_t widening, int layer);

}  // namespace obscura::models
