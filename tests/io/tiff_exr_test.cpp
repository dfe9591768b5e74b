#include <gtest/gtest.h>

#include <cmath>

#include "io/exr.h"
#include "io/image.h"
#include "io/tiff.h"

namespace obscura::io {
namespace {

Tensor ramp(std::int64_t channels) {
  Tensor pixels(Shape{5, 7, channels});
  for (std::int64_t i = 0; i < pixels.elements(); ++i)
    pixels.data()[i] = static_cast<float>(i) / static_cast<float>(pixels.elements() - 1);
  return pixels;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return 1e9;
  double most = 0;
  for (std::int64_t i = 0; i < a.elements(); ++i)
    most = std::max(most, std::fabs(double{a.data()[i]} - b.data()[i]));
  return most;
}

const ImageMetadata kTexts = {{"prompt", "{\"1\": {}}"}, {"parameters", "a cup\nSteps: 20, é"}};

struct TiffCase {
  TiffSample sample;
  double step;  // between two samples
};
class TiffRoundTrip : public testing::TestWithParam<TiffCase> {};

TEST_P(TiffRoundTrip, KeepsPixelsAlphaAndTexts) {
  for (std::int64_t channels : {3, 4}) {
    const Tensor pixels = ramp(channels);
    auto bytes = encode_tiff(pixels, kTexts, GetParam().sample);
    ASSERT_TRUE(bytes.ok()) << bytes.error().message();
    auto image = decode_image(*bytes, "ramp.tif");
    ASSERT_TRUE(image.ok()) << image.error().message();
    EXPECT_LE(largest_difference(image->pixels, pixels), GetParam().step / 2 + 1e-7);
    EXPECT_EQ(image->metadata, kTexts);
  }
}

INSTANTIATE_TEST_SUITE_P(Samples, TiffRoundTrip,
                         testing::Values(TiffCase{TiffSample::kUint8, 1.0 / 255},
                                         TiffCase{TiffSample::kUint16, 1.0 / 65535},
                                         TiffCase{TiffSample::kFloat32, 0}));

TEST(ExrRoundTrip, KeepsWhatItsSamplesHold) {
  for (std::int64_t channels : {3, 4}) {
    Tensor pixels = ramp(channels);
    // Where nothing is seen no colour is kept.
    if (channels == 4)
      for (std::int64_t i = 3; i < pixels.elements(); i += 4) pixels.data()[i] = 0.5f;
    for (ExrSample sample : {ExrSample::kHalf, ExrSample::kFloat}) {
      auto bytes = encode_exr(pixels, kTexts, sample);
      ASSERT_TRUE(bytes.ok()) << bytes.error().message();
      auto image = decode_image(*bytes, "ramp.exr");
      ASSERT_TRUE(image.ok()) << image.error().message();
      EXPECT_LE(largest_difference(image->pixels, pixels),
                sample == ExrSample::kHalf ? 5e-4 : 1e-5);
      for (const TextEntry& text : kTexts)
        EXPECT_EQ(*find_text(image->metadata, text.key), text.text);
    }
  }
}

TEST(DamagedPictures, AreRefusedByName) {
  for (const auto& whole : {*encode_tiff(ramp(3), {}), *encode_exr(ramp(3), {})}) {
    for (std::size_t size : {whole.size() / 3, whole.size() / 2, std::size_t{9}}) {
      auto image = decode_image(std::span(whole).first(size), "cut");
      if (image.ok()) continue;  // what was cut off is not needed
      EXPECT_EQ(image.error().kind(), ErrorKind::kCorrupt);
      EXPECT_EQ(image.error().message().rfind("cut", 0), 0u) << image.error().message();
    }
  }
}

}  // namespace
}  // namespace obscura::io
