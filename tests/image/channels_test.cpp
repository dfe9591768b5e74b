#include "image/channels.h"

#include <gtest/gtest.h>

#include "image/raster.h"

namespace obscura::image {
namespace {

std::vector<float> values_of(const Tensor& tensor) {
  return {tensor.values().begin(), tensor.values().end()};
}

TEST(Channels, AreTakenOutAndShownAsGray) {
  const Tensor image(Shape{1, 1, 2, 3}, {0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f});
  const Tensor green = channel(image, 1);
  EXPECT_EQ(green.shape(), (Shape{1, 1, 2}));
  EXPECT_EQ(values_of(green), (std::vector<float>{0.2f, 0.5f}));
  EXPECT_EQ(values_of(gray(green)), (std::vector<float>{0.2f, 0.2f, 0.2f, 0.5f, 0.5f, 0.5f}));
  EXPECT_EQ(values_of(inverted(Tensor(Shape{1, 1, 2}, {0.25f, 1}))),
            (std::vector<float>{0.75f, 0}));
}

TEST(Channels, StandInTheMiddle) {
  const Tensor image = Tensor::filled({1, 1, 1, 1}, 1);
  EXPECT_EQ(values_of(centred(image, 3, 1, 0.5f)), (std::vector<float>{0.5f, 1, 0.5f}));
}

TEST(WholePixels, LeaveAsMuchOutAtBothSides) {
  Tensor row(Shape{1, 8, 10});
  for (std::int64_t i = 0; i < row.elements(); ++i) row.data()[i] = static_cast<float>(i % 10);
  const Tensor middle = whole_pixels(row, 8);
  EXPECT_EQ(middle.shape(), (Shape{1, 8, 8}));
  EXPECT_EQ(middle.data()[0], 1);
  EXPECT_EQ(middle.data()[7], 8);
}

}  // namespace
}  // namespace obscura::image
