#include "models/unet/hyper_tile.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

namespace obscura::models {
namespace {

TEST(HyperTile, DividesTheLevelsUpToItsDepth) {
  const HyperTile options{.tile = 8, .choices = 1, .max_depth = 1};
  EXPECT_EQ(hyper_tiles(options, 64, 96, 1, 0), (Tiles{8, 12}));
  EXPECT_EQ(hyper_tiles(options, 32, 48, 2, 0), (Tiles{4, 6}));
  EXPECT_EQ(hyper_tiles(options, 16, 24, 4, 0), (Tiles{1, 1}));  // deeper
  EXPECT_EQ(hyper_tiles(options, 32, 48, 3, 0), (Tiles{1, 1}));  // no level of a real model
}

TEST(HyperTile, TakesTheSmallestDivisorThatIsLargeEnough) {
  const HyperTile options{.tile = 8, .choices = 1, .max_depth = 0};
  EXPECT_EQ(hyper_tiles(options, 30, 7, 1, 0), (Tiles{3, 1}));
  EXPECT_EQ(hyper_tiles(options, 31, 36, 1, 0), (Tiles{1, 4}));
}

TEST(HyperTile, ScalesByDepthAsComfyUIDoes) {
  const HyperTile options{.tile = 4, .choices = 1, .max_depth = 10, .scale_depth = true};
  EXPECT_EQ(hyper_tiles(options, 64, 64, 1, 0), (Tiles{16, 16}));
  EXPECT_EQ(hyper_tiles(options, 64, 64, 2, 0), (Tiles{8, 8}));
  EXPECT_EQ(hyper_tiles(options, 64, 64, 4, 0), (Tiles{2, 2}));
  EXPECT_EQ(hyper_tiles(options, 64, 64, 1024, 0), (Tiles{1, 1}));
}

// Of three sizes each, some layers take one and some another.
TEST(HyperTile, LayersDrawApart) {
  const HyperTile options{.tile = 8, .choices = 3, .max_depth = 0};
  std::set<std::pair<std::int64_t, std::int64_t>> seen;
  for (int layer = 0; layer < 60; ++layer) {
    const Tiles tiles = hyper_tiles(options, 64, 64, 1, layer);
    EXPECT_EQ(tiles, hyper_tiles(options, 64, 64, 1, layer));
    EXPECT_TRUE(tiles.rows == 8 || tiles.rows == 4 || tiles.rows == 2);
    seen.insert({tiles.rows, tiles.columns});
  }
  EXPECT_GE(seen.size(), 6u);
}

}  // namespace
}  // namespace obscura::models
