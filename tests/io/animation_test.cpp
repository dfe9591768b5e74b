#include "io/animation.h"

#include <gtest/gtest.h>
#include <webp/demux.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "io/png.h"

namespace obscura::io {
namespace {

const ImageMetadata kAnimationTexts = {{"prompt", R"({"1": {}})"}};

// A bright column that moves to the right.
Tensor moving(std::int64_t channels) {
  Tensor frames(Shape{3, 4, 8, channels});
  for (std::int64_t i = 0; i < frames.elements(); ++i) {
    const std::int64_t frame = i / (4 * 8 * channels), column = i / channels % 8;
    frames.data()[i] = column == frame * 2 || (channels == 4 && i % 4 == 3) ? 1.0f : 0.2f;
  }
  return frames;
}

Tensor frame_of(const Tensor& frames, std::int64_t index) {
  const Shape& s = frames.shape();
  return frames.slice(index).reshaped({s[1], s[2], s[3]});
}

TEST(AnimatedWebp, HoldsEachFrameAndItsTime) {
  for (std::int64_t channels : {3, 4}) {
    const Tensor frames = moving(channels);
    auto bytes = encode_animated_webp(frames, kAnimationTexts, {.milliseconds = 40});
    ASSERT_TRUE(bytes.ok()) << bytes.error().message();
    const WebPData data = {reinterpret_cast<const std::uint8_t*>(bytes->data()), bytes->size()};
    WebPAnimDecoder* decoder = WebPAnimDecoderNew(&data, nullptr);
    ASSERT_NE(decoder, nullptr);
    for (std::int64_t i = 0; i < 3; ++i) {
      std::uint8_t* rgba = nullptr;
      int until = 0;
      ASSERT_TRUE(WebPAnimDecoderGetNext(decoder, &rgba, &until));
      EXPECT_EQ(until, 40 * (i + 1));
      const Tensor wanted = frame_of(frames, i);
      for (std::int64_t p = 0; p < 32; ++p)
        for (std::int64_t c = 0; c < 3; ++c)
          ASSERT_NEAR(rgba[p * 4 + c], wanted.data()[p * channels + c] * 255, 0.51) << i;
    }
    EXPECT_FALSE(WebPAnimDecoderHasMoreFrames(decoder));
    WebPAnimDecoderDelete(decoder);
    EXPECT_EQ(decode_metadata(*bytes, "x").value(), kAnimationTexts);
  }
}

// Each frame as it is shown, though the file holds what changes alone; of a still reader the first.
TEST(AnimatedWebp, IsReadFrameByFrame) {
  for (std::int64_t channels : {3, 4}) {
    const Tensor frames = moving(channels);
    const auto bytes = encode_animated_webp(frames, kAnimationTexts).value();
    const auto read = decode_frames(bytes, "x");
    ASSERT_TRUE(read.ok()) << read.error().message();
    ASSERT_EQ(read->size(), 3u);
    for (std::int64_t i = 0; i < 3; ++i) {
      const Image& image = (*read)[static_cast<std::size_t>(i)];
      // Where only changes are stored the file has alpha, whatever went in.
      const std::int64_t stored = image.pixels.shape()[2];
      ASSERT_EQ(image.pixels.shape(), (Shape{4, 8, stored}));
      EXPECT_EQ(image.metadata, kAnimationTexts);
      const Tensor wanted = frame_of(frames, i);
      for (std::int64_t k = 0; k < image.pixels.elements(); ++k) {
        const std::int64_t channel = k % stored;
        ASSERT_NEAR(image.pixels.data()[k],
                    channel < channels ? wanted.data()[k / stored * channels + channel] : 1, 1e-6)
            << i;
      }
    }
    const Image still = decode_image(bytes, "x").value();
    EXPECT_TRUE(std::ranges::equal(std::as_const(still.pixels).values(),
                                   std::as_const(read->front().pixels).values()));
  }
}

TEST(AnimatedWebp, LossyIsNear) {
  const Tensor frames = moving(3);
  auto bytes = encode_animated_webp(frames, {}, {.lossless = false, .quality = 100});
  ASSERT_TRUE(bytes.ok()) << bytes.error().message();
  const Image last = decode_frames(*bytes, "x").value().back();
  double error = 0;
  for (std::int64_t k = 0; k < last.pixels.elements(); ++k)
    error += std::abs(last.pixels.data()[k] - frame_of(frames, 2).data()[k]);
  EXPECT_LT(error / static_cast<double>(last.pixels.elements()), 0.05);
}

TEST(AnimatedWebp, ThatIsDamagedIsRefused) {
  std::vector<std::byte> bytes = encode_animated_webp(moving(3), {}).value();
  auto refusal = [&] {
    const auto frames = decode_frames(bytes, "x.webp");
    return frames.ok() ? "" : frames.error().message();
  };
  // The canvas of the header, 24 bits each way and one less than it is.
  const std::vector<std::byte> sound = bytes;
  for (std::size_t at : {24, 25, 27, 28}) bytes[at] = std::byte{0x3f};
  EXPECT_EQ(refusal(), "x.webp: 16192x16192 pixels cannot come from " +
                           std::to_string(bytes.size()) + " bytes");
  bytes = sound;
  bytes.resize(bytes.size() - 20);
  EXPECT_EQ(refusal(), "x.webp: the WebP animation is damaged or truncated");
}

TEST(Frames, TogetherMayBeAsManyPixelsAsOneImage) {
  constexpr auto kMost = static_cast<std::uint64_t>(kMaxImageSide * kMaxImageSide);
  EXPECT_TRUE(check_image_total(kMost).ok());
  EXPECT_EQ(check_image_total(kMost + 1).error().message(),
            "its images have 268435457 pixels in all, at most 268435456 are supported");
}

TEST(Frames, OfFilesThatCannotBeReadAreRefusedByName) {
  const auto moving_png = encode_animated_png(moving(3), {}, 250).value();
  EXPECT_EQ(decode_frames(moving_png, "x.png").error().message(),
            "x.png: wants a still image or an animated WebP, found an animated PNG of 3 frames");
  const auto still = encode_png(frame_of(moving(3), 0), {}).value();
  EXPECT_EQ(decode_frames(still, "x.png").value().size(), 1u);
  const std::string gif = "GIF89a and so on";
  EXPECT_EQ(decode_frames(std::as_bytes(std::span(gif)), "x.gif").error().message(),
            "x.gif: wants a PNG, JPEG, WebP, TIFF or EXR image, found a GIF");
}

std::uint32_t number_at(const std::vector<std::byte>& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value = value << 8 | std::to_integer<std::uint32_t>(bytes[at + i]);
  return value;
}

TEST(AnimatedPng, IsItsFirstFrameToWhoKnowsNoAnimation) {
  const Tensor frames = moving(4);
  auto bytes = encode_animated_png(frames, kAnimationTexts, 250);
  ASSERT_TRUE(bytes.ok()) << bytes.error().message();
  auto image = decode_image(*bytes, "x");
  ASSERT_TRUE(image.ok()) << image.error().message();
  EXPECT_EQ(image->metadata, kAnimationTexts);
  const Tensor first = frame_of(frames, 0);
  EXPECT_EQ(image->pixels.shape(), first.shape());
  for (std::int64_t i = 0; i < first.elements(); ++i)
    ASSERT_NEAR(image->pixels.data()[i], first.data()[i], 1e-6);
}

// The chunks in the order that the standard wants, and each later frame as a PNG of its own.
TEST(AnimatedPng, HoldsEachFrameAndItsTime) {
  const Tensor frames = moving(3);
  const std::vector<std::byte> bytes = encode_animated_png(frames, {}, 250).value();
  std::vector<std::string> kinds;
  std::vector<std::uint32_t> sequence;
  for (std::size_t at = 8; at + 12 <= bytes.size();) {
    const std::uint32_t length = number_at(bytes, at);
    kinds.emplace_back(reinterpret_cast<const char*>(bytes.data() + at + 4), 4);
    if (kinds.back() == "acTL") {
      EXPECT_EQ(number_at(bytes, at + 8), 3u) << "frames";
    }
    if (kinds.back() == "fcTL") {
      EXPECT_EQ(number_at(bytes, at + 8 + 20), 250u << 16 | 1000u) << "thousandths";
    }
    if (kinds.back() == "fcTL" || kinds.back() == "fdAT")
      sequence.push_back(number_at(bytes, at + 8));
    if (kinds.back() == "fdAT") {
      const auto index = static_cast<std::int64_t>(std::count(kinds.begin(), kinds.end(), "fdAT"));
      const std::vector<std::byte> alone = encode_png(frame_of(frames, index), {}).value();
      const std::span<const std::byte> pixels(bytes.data() + at + 12, length - 4);
      EXPECT_NE(std::search(alone.begin(), alone.end(), pixels.begin(), pixels.end()), alone.end())
          << "frame " << index;
    }
    at += 12 + length;
  }
  EXPECT_EQ(kinds, (std::vector<std::string>{"IHDR", "acTL", "fcTL", "IDAT", "fcTL", "fdAT", "fcTL",
                                             "fdAT", "IEND"}));
  EXPECT_EQ(sequence, (std::vector<std::uint32_t>{0, 1, 2, 3, 4}));
}

}  // namespace
}  // namespace obscura::io
