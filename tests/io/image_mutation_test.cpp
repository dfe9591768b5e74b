#include <gtest/gtest.h>

#include "fuzz/fuzz_colour_profile.h"
#include "fuzz/fuzz_image.h"
#include "fuzz/fuzz_png.h"
#include "fuzz/mutate.h"

namespace obscura::fuzz {
namespace {

// Some changes hit pixels or texts, most the structure: both ways must have been walked.
TEST(PngMutation, DamagedImagesAreRefusedOrImages) {
  auto seeds = read_corpus("png");
  ASSERT_GE(seeds.size(), 4u);
  int accepted = 0;
  run_mutations(seeds, 6000,
                [&](std::span<const std::byte> input) { accepted += fuzz_png(input); });
  EXPECT_GE(accepted, 100);
  EXPECT_LT(accepted, 5000);
}

TEST(ImageMutation, DamagedImagesAreRefusedOrImages) {
  auto seeds = read_corpus("image");
  ASSERT_GE(seeds.size(), 14u);
  int accepted = 0;
  run_mutations(seeds, 2000,
                [&](std::span<const std::byte> input) { accepted += fuzz_image(input); });
  EXPECT_GE(accepted, 100);
  EXPECT_LT(accepted, 1950);
}

TEST(ProfileMutation, DamagedProfilesMakeImagesOrNothing) {
  auto seeds = read_corpus("colour_profile");
  ASSERT_GE(seeds.size(), 5u);
  int accepted = 0;
  run_mutations(seeds, 300,
                [&](std::span<const std::byte> input) { accepted += fuzz_colour_profile(input); });
  EXPECT_GE(accepted, 100);
  EXPECT_LT(accepted, 300);
}

}  // namespace
}  // namespace obscura::fuzz
