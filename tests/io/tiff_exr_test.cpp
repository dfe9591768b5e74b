#include <ImfChannelList.h>
#include <ImfFrameBuffer.h>
#include <ImfHeader.h>
#include <ImfOutputFile.h>
#include <ImfStandardAttributes.h>
#include <gtest/gtest.h>
#include <tiffio.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/mapped_file.h"
#include "io/exr.h"
#include "io/image.h"
#include "io/test_folder.h"
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
    auto bytes = encode_tiff(pixels, kTexts, {.sample = GetParam().sample});
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

// A TIFF of 2x1 pixels as other programs write it.
struct TiffFile {
  std::uint16_t photometric = PHOTOMETRIC_RGB, bits = 8, format = SAMPLEFORMAT_UINT,
                orientation = ORIENTATION_TOPLEFT, extra = EXTRASAMPLE_UNSPECIFIED;
  std::uint32_t width = 2, height = 1;
  std::vector<std::uint8_t> row = {};  // one, stored for each row there is
};

Result<Image> decoded(const TiffFile& file) {
  TestFolder folder;
  const std::filesystem::path path = folder / "sample.tif";
  TIFF* tiff = TIFFOpen(path.c_str(), "w");
  const auto samples = static_cast<int>(file.row.size() * 8 / file.bits / file.width);
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, file.width);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, file.height);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, file.bits);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, samples);
  TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, file.format);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, file.photometric);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_ORIENTATION, file.orientation);
  if (file.extra != EXTRASAMPLE_UNSPECIFIED)
    TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &file.extra);
  std::vector<std::uint8_t> row = file.row;
  for (std::uint32_t y = 0; y < file.height; ++y) TIFFWriteScanline(tiff, row.data(), y, 0);
  TIFFClose(tiff);
  return read_image(path);
}

TEST(TiffOfOthers, HasItsPagesReadInTheirOrder) {
  TestFolder folder;
  const std::filesystem::path path = folder / "pages.tif";
  TIFF* tiff = TIFFOpen(path.c_str(), "w");
  for (std::uint32_t page = 1; page <= 3; ++page) {
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, page);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, 1);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    std::vector<std::uint8_t> row(page, static_cast<std::uint8_t>(51 * page));
    TIFFWriteScanline(tiff, row.data(), 0, 0);
    TIFFWriteDirectory(tiff);
  }
  TIFFClose(tiff);
  const MappedFile file = MappedFile::open(path).value();
  const auto pages = decode_frames(file.bytes(), "pages.tif");
  ASSERT_TRUE(pages.ok()) << pages.error().message();
  ASSERT_EQ(pages->size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto width = static_cast<std::int64_t>(i + 1);
    EXPECT_EQ((*pages)[i].pixels.shape(), (Shape{1, width, 3}));
    EXPECT_FLOAT_EQ((*pages)[i].pixels.data()[0], 0.2f * static_cast<float>(i + 1));
  }
  EXPECT_EQ(read_image(path)->pixels.shape(), (Shape{1, 1, 3}));
}

void expect_samples(const Result<Image>& image, const Shape& shape, std::vector<float> wanted) {
  ASSERT_TRUE(image.ok()) << image.error().message();
  ASSERT_EQ(image->pixels.shape(), shape);
  for (std::size_t i = 0; i < wanted.size(); ++i)
    EXPECT_NEAR(image->pixels.data()[i], wanted[i], 2e-3) << i;
}

TEST(TiffOfOthers, IsReadAsItIsMeant) {
  const Shape flat{1, 2, 3};
  expect_samples(decoded({.photometric = PHOTOMETRIC_MINISWHITE, .row = {0, 204}}), flat,
                 {1, 1, 1, 0.2f, 0.2f, 0.2f});
  expect_samples(decoded({.orientation = ORIENTATION_TOPRIGHT, .row = {255, 0, 0, 0, 0, 255}}),
                 flat, {0, 0, 1, 1, 0, 0});
  // A quarter turn, as a scanner states it; of gray in white's terms too, which libtiff converts.
  expect_samples(decoded({.orientation = ORIENTATION_RIGHTTOP, .row = {255, 0, 0, 0, 0, 255}}),
                 Shape{2, 1, 3}, {1, 0, 0, 0, 0, 1});
  expect_samples(decoded({.photometric = PHOTOMETRIC_MINISWHITE,
                          .orientation = ORIENTATION_RIGHTTOP,
                          .row = {0, 204}}),
                 Shape{2, 1, 3}, {1, 1, 1, 0.2f, 0.2f, 0.2f});
  expect_samples(decoded({.extra = EXTRASAMPLE_ASSOCALPHA, .row = {51, 0, 0, 51, 0, 0, 0, 0}}),
                 Shape{1, 2, 4}, {1, 0, 0, 0.2f, 0, 0, 0, 0});
  // 0.5 and 2 in binary16: light beyond white is clipped.
  expect_samples(decoded({.photometric = PHOTOMETRIC_MINISBLACK,
                          .bits = 16,
                          .format = SAMPLEFORMAT_IEEEFP,
                          .row = {0x00, 0x38, 0x00, 0x40}}),
                 flat, {0.5f, 0.5f, 0.5f, 1, 1, 1});
  expect_samples(
      decoded({.photometric = PHOTOMETRIC_SEPARATED, .row = {0, 255, 255, 0, 0, 0, 0, 255}}), flat,
      {1, 0, 0, 0, 0, 0});
}

TEST(TiffOfOthers, OfUnknownKindSaysSo) {
  auto image = decoded({.photometric = PHOTOMETRIC_RGB,
                        .bits = 64,
                        .format = SAMPLEFORMAT_IEEEFP,
                        .row = std::vector<std::uint8_t>(48)});
  ASSERT_FALSE(image.ok());
  EXPECT_EQ(image.error().kind(), ErrorKind::kUnsupported) << image.error().message();
}

// An EXR of one pixel with these channels.
std::vector<std::byte> exr_of(const std::vector<std::pair<const char*, float>>& channels,
                              const Imf::Chromaticities* primaries = nullptr) {
  TestFolder folder;
  Imf::Header header(1, 1);
  Imf::FrameBuffer buffer;
  std::vector<float> values;
  for (const auto& [name, value] : channels) values.push_back(value);
  for (std::size_t i = 0; i < channels.size(); ++i) {
    header.channels().insert(channels[i].first, Imf::Channel(Imf::FLOAT));
    buffer.insert(channels[i].first,
                  Imf::Slice(Imf::FLOAT, reinterpret_cast<char*>(&values[i]), 4, 4));
  }
  if (primaries != nullptr) Imf::addChromaticities(header, *primaries);
  const std::filesystem::path path = folder / "sample.exr";
  {
    Imf::OutputFile file(path.c_str(), header);
    file.setFrameBuffer(buffer);
    file.writePixels(1);
  }
  auto mapped = MappedFile::open(path).value();
  return {mapped.bytes().begin(), mapped.bytes().end()};
}

TEST(ExrOfOthers, IsReadAsItIsMeant) {
  const Shape one{1, 1, 3};
  expect_samples(decode_image(exr_of({{"Y", 0.5f}}), "x"), one, {0.735f, 0.735f, 0.735f});
  expect_samples(decode_image(exr_of({{"R", 7}, {"G", -1}, {"B", NAN}}), "x"), one, {1, 0, 0});
  expect_samples(decode_image(exr_of({{"R", 0.25f}, {"G", 0}, {"B", 0}, {"A", 0.5f}}), "x"),
                 Shape{1, 1, 4}, {0.735f, 0, 0, 0.5f});
  // ACES's primaries on sRGB's white.
  const Imf::Chromaticities aces({0.713f, 0.293f}, {0.165f, 0.830f}, {0.128f, 0.044f},
                                 {0.3127f, 0.3290f});
  expect_samples(decode_image(exr_of({{"R", 0.4f}, {"G", 0.2f}, {"B", 0.1f}}, &aces), "x"), one,
                 {0.7656f, 0.4556f, 0.3137f});
}

TEST(ExrOfOthers, WithoutAnImageSaysWhatItHas) {
  auto image = decode_image(exr_of({{"depth.Z", 1}, {"mask.A", 1}}), "render.exr");
  ASSERT_FALSE(image.ok());
  EXPECT_EQ(image.error().kind(), ErrorKind::kUnsupported);
  EXPECT_EQ(image.error().message(),
            "render.exr: wants the channels R, G and B, or Y alone, found depth.Z, mask.A");
}

TEST(DamagedImages, AreRefusedByName) {
  for (const auto& whole : {*encode_tiff(ramp(3), kTexts), *encode_exr(ramp(4), kTexts)}) {
    for (std::size_t size = 8; size < whole.size(); ++size) {
      auto image = decode_image(std::span(whole).first(size), "cut");
      if (image.ok()) continue;  // what was cut off is not needed
      EXPECT_EQ(image.error().kind(), ErrorKind::kCorrupt);
      EXPECT_EQ(image.error().message().rfind("cut", 0), 0u) << image.error().message();
    }
    EXPECT_FALSE(decode_image(std::span(whole).first(whole.size() / 2), "cut").ok());
  }
}

// A few hundred bytes that claim 16384x16384 pixels must not cost gigabytes.
TEST(DamagedImages, ThatClaimTooMuchAreRefusedBeforeTheyAreAllocated) {
  std::vector<std::byte> tiff = *encode_tiff(ramp(3), {});
  std::vector<std::byte> exr = *encode_exr(ramp(3), {});
  auto put = [](std::vector<std::byte>& bytes, std::size_t at, std::uint32_t value) {
    std::memcpy(bytes.data() + at, &value, 4);
  };
  // Little-endian entries of TIFF: tag, type, count, value.
  for (std::size_t i = 8; i + 12 <= tiff.size(); ++i) {
    const auto tag = std::to_integer<unsigned>(tiff[i]) | std::to_integer<unsigned>(tiff[i + 1])
                                                              << 8;
    const bool entry = std::to_integer<unsigned>(tiff[i + 4]) == 1 && tiff[i + 5] == std::byte{0};
    if ((tag == TIFFTAG_IMAGEWIDTH || tag == TIFFTAG_IMAGELENGTH) && entry) {
      tiff[i + 2] = std::byte{4};  // LONG
      put(tiff, i + 8, 16384);
    }
  }
  const std::string text(reinterpret_cast<const char*>(exr.data()), exr.size());
  for (const char* window : {"dataWindow", "displayWindow"}) {
    const std::size_t at = text.find(window) + std::strlen(window) + 1 + sizeof "box2i" + 4;
    put(exr, at + 8, 16383);
    put(exr, at + 12, 16383);
  }
  exr.resize(exr.size() + 60'000);  // of offsets of its lines, which OpenEXR reads first
  for (const auto& bomb : {tiff, exr}) {
    auto image = decode_image(bomb, "bomb");
    ASSERT_FALSE(image.ok());
    EXPECT_NE(image.error().message().find("16384x16384 pixels cannot come from"),
              std::string::npos)
        << image.error().message();
  }
  put(exr, text.find("dataWindow") + sizeof "dataWindow" + sizeof "box2i" + 4 + 8, 99'999);
  auto huge = decode_image(exr, "bomb");
  ASSERT_FALSE(huge.ok());
  EXPECT_EQ(huge.error().kind(), ErrorKind::kUnsupported) << huge.error().message();
}

}  // namespace
}  // namespace obscura::io
