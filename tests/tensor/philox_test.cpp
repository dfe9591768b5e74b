#include "tensor/philox.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace obscura {
namespace {

using Words = std::array<std::uint32_t, 4>;

// Known answers of Random123 1.14, tests/kat_vectors, philox4x32 of 10 rounds.
TEST(Philox, GivesTheKnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(PhiloxGenerator, IsStandardNormalAndOfOneSeed) {
  const Tensor noise = PhiloxGenerator(7).randn({4, 64, 64});
  double mean = 0, square = 0;
  for (float value : noise.values()) {
    mean += value / static_cast<double>(noise.elements());
    square += value * value / static_cast<double>(noise.elements());
  }
  EXPECT_NEAR(mean, 0, 0.03);
  EXPECT_NEAR(square, 1, 0.03);
  const Tensor again = PhiloxGenerator(7).randn({4, 64, 64});
  EXPECT_TRUE(std::equal(noise.values().begin(), noise.values().end(), again.values().begin()));
}

// A number depends on its place alone: a longer draw begins with a shorter one.
TEST(PhiloxGenerator, GivesEachDrawAStream) {
  PhiloxGenerator one(3), other(3);
  const Tensor short_draw = one.randn({5}), long_draw = other.randn({9});
  EXPECT_TRUE(std::equal(short_draw.values().begin(), short_draw.values().end(),
                         long_draw.values().begin()));
  EXPECT_EQ(one.randn({2}).data()[1], other.randn({3}).data()[1]);
}

}  // namespace
}  // namespace obscura
