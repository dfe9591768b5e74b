#include "tensor/fill_masked.h"

#include <gtest/gtest.h>

namespace obscura {
namespace {

constexpr std::int64_t kHeight = 37, kWidth = 50;  // no powers of two

// Red from left to right, from 0 to 1, green 0.25.
Tensor gradient() {
  Tensor pixels = Tensor::filled(Shape{kHeight, kWidth, 2}, 0.25F);
  for (std::int64_t i = 0; i < kHeight * kWidth; ++i)
    pixels.data()[i * 2] = static_cast<float>(i % kWidth) / (kWidth - 1);
  return pixels;
}

// A box around the middle.
Tensor hole() {
  Tensor mask = Tensor::filled(Shape{kHeight, kWidth}, 0.0F);
  for (std::int64_t y = 10; y < 27; ++y)
    for (std::int64_t x = 15; x < 35; ++x) mask.data()[y * kWidth + x] = 1;
  return mask;
}

TEST(FillMasked, KeepsWhatIsKnownAndFillsWithWhatIsAround) {
  const Tensor pixels = gradient(), mask = hole();
  Tensor spoiled = gradient();
  for (std::int64_t i = 0; i < kHeight * kWidth; ++i)
    if (mask.data()[i] > 0) spoiled.data()[i * 2] = spoiled.data()[i * 2 + 1] = 77;
  const Tensor filled = fill_masked(spoiled, mask);
  ASSERT_EQ(filled.shape(), pixels.shape());
  for (std::int64_t i = 0; i < kHeight * kWidth; ++i) {
    if (mask.data()[i] == 0) {
      ASSERT_EQ(filled.data()[i * 2], pixels.data()[i * 2]) << i;
    } else {
      ASSERT_NEAR(filled.data()[i * 2], pixels.data()[i * 2], 0.2) << i;
    }
    ASSERT_NEAR(filled.data()[i * 2 + 1], 0.25, 1e-4) << i;
  }
  // Left and right of the hole are told apart.
  const std::int64_t row = 18 * kWidth;
  EXPECT_LT(filled.data()[(row + 16) * 2] + 0.15, filled.data()[(row + 33) * 2]);
}

TEST(FillMasked, IsGrayWhereNothingIsKnown) {
  const Tensor filled = fill_masked(gradient(), Tensor::filled(Shape{kHeight, kWidth}, 1.0F));
  for (float value : filled.values()) EXPECT_EQ(value, 0.5F);
}

}  // namespace
}  // namespace obscura
