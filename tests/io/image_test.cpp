#include "io/image.h"

#include <gtest/gtest.h>
#include <webp/encode.h>

#include <cmath>

#include "base/files.h"
#include "io/exif.h"
#include "io/jpeg_samples.h"
#include "io/png.h"
#include "io/test_folder.h"

namespace obscura::io {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::vector<std::uint8_t> repeated(int count, std::vector<std::uint8_t> pixel) {
  std::vector<std::uint8_t> samples;
  for (int i = 0; i < count; ++i) samples.insert(samples.end(), pixel.begin(), pixel.end());
  return samples;
}

// An image of 16x8 whose left half is red and right half blue, RGB.
std::vector<std::uint8_t> red_and_blue() {
  std::vector<std::uint8_t> samples;
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 16; ++x) {
      for (int value : {x < 8 ? 255 : 0, 0, x < 8 ? 0 : 255})
        samples.push_back(static_cast<std::uint8_t>(value));
    }
  }
  return samples;
}

void expect_near(const Tensor& pixels, std::int64_t y, std::int64_t x, std::vector<float> wanted,
                 float tolerance) {
  for (std::size_t c = 0; c < wanted.size(); ++c) {
    float found =
        pixels
            .data()[(y * pixels.shape()[1] + x) * pixels.shape()[2] + static_cast<std::int64_t>(c)];
    EXPECT_NEAR(found, wanted[c], tolerance) << "pixel " << y << ", " << x << " channel " << c;
  }
}

// EXIF in big-endian order: orientation, a comment for the main folder, and a UserComment.
std::string sample_exif(int orientation, const std::string& model,
                        const std::string& user_comment) {
  auto u16 = [](std::size_t v) {
    return std::string{static_cast<char>(v >> 8), static_cast<char>(v)};
  };
  auto u32 = [&](std::size_t v) { return u16(v >> 16) + u16(v & 0xffff); };
  const std::size_t main_folder = 8, exif_folder = main_folder + 2 + 3 * 12 + 4;
  const std::size_t model_at = exif_folder + 2 + 12 + 4, comment_at = model_at + model.size() + 1;
  std::string tiff = std::string("MM\0*", 4) + u32(main_folder) + u16(3);
  tiff += u16(0x0110) + u16(2) + u32(model.size() + 1) + u32(model_at);
  tiff += u16(0x0112) + u16(3) + u32(1) + u16(static_cast<std::size_t>(orientation)) + u16(0);
  tiff += u16(0x8769) + u16(4) + u32(1) + u32(exif_folder) + u32(0);
  tiff += u16(1) + u16(0x9286) + u16(7) + u32(user_comment.size()) + u32(comment_at) + u32(0);
  return std::string("Exif\0\0", 6) + tiff + model + '\0' + user_comment;
}

TEST(Jpeg, ReadsColourGrayAndProgressive) {
  for (bool progressive : {false, true}) {
    auto bytes = make_jpeg(
        {.width = 16, .height = 8, .samples = red_and_blue(), .progressive = progressive});
    auto image = decode_image(bytes, "x");
    ASSERT_TRUE(image.ok()) << image.error().message();
    EXPECT_EQ(image->pixels.shape(), (Shape{8, 16, 3}));
    expect_near(image->pixels, 4, 2, {1, 0, 0}, 0.02f);
    expect_near(image->pixels, 4, 14, {0, 0, 1}, 0.02f);
  }
  auto gray = make_jpeg({.width = 3,
                         .height = 2,
                         .colours = JCS_GRAYSCALE,
                         .samples = std::vector<std::uint8_t>(6, 51)});
  auto image = decode_image(gray, "x");
  ASSERT_TRUE(image.ok());
  EXPECT_EQ(image->pixels.shape(), (Shape{2, 3, 3}));
  expect_near(image->pixels, 1, 2, {0.2f, 0.2f, 0.2f}, 0.005f);
}

TEST(Jpeg, ReadsCmyk) {
  // libjpeg writes Adobe's marker for CMYK, so the inks are inverted: no cyan, full magenta and
  // yellow make red.
  std::vector<std::uint8_t> inks = repeated(64, {255, 0, 0, 255});
  auto image =
      decode_image(make_jpeg({.width = 8, .height = 8, .colours = JCS_CMYK, .samples = inks}), "x");
  ASSERT_TRUE(image.ok()) << image.error().message();
  expect_near(image->pixels, 3, 3, {1, 0, 0}, 0.02f);
}

TEST(Jpeg, HonoursOrientationAndReadsTexts) {
  std::string exif = sample_exif(6, "prompt:{\"3\":1}",
                                 std::string("UNICODE\0", 8) + std::string("\0Z\0o\0\xeb", 6));
  auto bytes = make_jpeg(
      {.width = 16, .height = 8, .samples = red_and_blue(), .exif = exif, .comment = "caf\xe9"});
  auto image = decode_image(bytes, "x");
  ASSERT_TRUE(image.ok()) << image.error().message();
  EXPECT_EQ(image->pixels.shape(),
            (Shape{16, 8, 3}));  // a quarter turn clockwise: red comes to the top
  expect_near(image->pixels, 2, 4, {1, 0, 0}, 0.02f);
  expect_near(image->pixels, 14, 4, {0, 0, 1}, 0.02f);
  ImageMetadata wanted = {{"Comment", "café"}, {"prompt", "{\"3\":1}"}, {"UserComment", "Zoë"}};
  EXPECT_EQ(image->metadata, wanted);
  EXPECT_EQ(*decode_metadata(bytes, "x"), wanted);
}

TEST(Jpeg, RefusesTruncationAndNonsense) {
  auto bytes = make_jpeg({.width = 16, .height = 8, .samples = red_and_blue()});
  for (std::size_t size : {std::size_t{3}, std::size_t{20}, bytes.size() / 2, bytes.size() - 2}) {
    auto image = decode_image(std::span(bytes).first(size), "cut.jpg");
    ASSERT_FALSE(image.ok()) << size;
    EXPECT_EQ(image.error().kind(), ErrorKind::kCorrupt);
    EXPECT_EQ(image.error().message().find("cut.jpg: "), 0u);
  }
  // The frame header (marker ff c0, length, depth, then height and width) claims a huge image.
  for (std::size_t i = 0; i + 8 < bytes.size(); ++i) {
    if (bytes[i] != std::byte{0xff} || bytes[i + 1] != std::byte{0xc0}) continue;
    bytes[i + 5] = bytes[i + 7] = std::byte{0x40};
    bytes[i + 6] = bytes[i + 8] = std::byte{0};
  }
  auto bomb = decode_image(bytes, "x");
  ASSERT_FALSE(bomb.ok());
  EXPECT_NE(bomb.error().message().find("16384x16384 pixels cannot come from"), std::string::npos)
      << bomb.error().message();
}

TEST(Jpeg, SaysThatItReadsNoTwelveBits) {
  auto bytes = make_jpeg({.width = 16, .height = 8, .samples = red_and_blue()});
  for (std::size_t i = 0; i + 4 < bytes.size(); ++i)
    if (bytes[i] == std::byte{0xff} && bytes[i + 1] == std::byte{0xc0})
      bytes[i + 4] = std::byte{12};
  auto image = decode_image(bytes, "scan.jpg");
  ASSERT_FALSE(image.ok());
  EXPECT_EQ(image.error().kind(), ErrorKind::kUnsupported);
  EXPECT_EQ(image.error().message(), "scan.jpg: wants a JPEG of 8 bits a sample, found 12");
}

TEST(Webp, ReadsLosslessAlphaAndLossy) {
  std::vector<std::uint8_t> rgba = repeated(6, {255, 51, 0, 0});
  for (std::size_t i = 0; i < 6; ++i) rgba[4 * i + 3] = static_cast<std::uint8_t>(51 * i);
  std::uint8_t* output = nullptr;
  std::size_t size = WebPEncodeLosslessRGBA(rgba.data(), 3, 2, 12, &output);
  ASSERT_GT(size, 0u);
  auto image = decode_image(std::as_bytes(std::span(output, size)), "x");
  auto cut = decode_image(std::as_bytes(std::span(output, size - 10)), "x");
  WebPFree(output);
  ASSERT_TRUE(image.ok()) << image.error().message();
  EXPECT_EQ(image->pixels.shape(), (Shape{2, 3, 4}));
  expect_near(image->pixels, 1, 0, {1, 0.2f, 0, 0.6f}, 1e-7f);
  ASSERT_FALSE(cut.ok());
  EXPECT_EQ(cut.error().kind(), ErrorKind::kCorrupt);

  auto rgb = red_and_blue();
  size = WebPEncodeRGB(rgb.data(), 16, 8, 48, 95.0f, &output);
  ASSERT_GT(size, 0u);
  image = decode_image(std::as_bytes(std::span(output, size)), "x");
  WebPFree(output);
  ASSERT_TRUE(image.ok());
  EXPECT_EQ(image->pixels.shape(), (Shape{8, 16, 3}));
  expect_near(image->pixels, 4, 2, {1, 0, 0}, 0.05f);
}

TEST(Webp, ReadsExifOfTheExtendedContainer) {
  auto rgb = red_and_blue();
  std::uint8_t* output = nullptr;
  std::size_t size = WebPEncodeLosslessRGB(rgb.data(), 16, 8, 48, &output);
  std::string encoded(reinterpret_cast<const char*>(output) + 12, size - 12);
  WebPFree(output);
  auto little = [](std::size_t v, int n) {
    std::string bytes;
    for (int i = 0; i < n; ++i) bytes += static_cast<char>(v >> (8 * i));
    return bytes;
  };
  std::string exif = sample_exif(3, "workflow:{}", std::string(8, '\0') + "Steps: 20").substr(6);
  std::string body = "WEBPVP8X" + little(10, 4) + std::string("\x08\0\0\0", 4) + little(15, 3) +
                     little(7, 3) + encoded + "EXIF" + little(exif.size(), 4) + exif +
                     std::string(exif.size() % 2, '\0');
  std::string file = "RIFF" + little(body.size(), 4) + body;
  auto image = decode_image(bytes_of(file), "x");
  ASSERT_TRUE(image.ok()) << image.error().message();
  expect_near(image->pixels, 0, 0, {0, 0, 1}, 0);  // upside down: blue is at the left
  ImageMetadata wanted = {{"workflow", "{}"}, {"parameters", "Steps: 20"}};
  EXPECT_EQ(image->metadata, wanted);
  EXPECT_EQ(*decode_metadata(bytes_of(file), "x"), wanted);
}

TEST(Image, IsRecognisedByContent) {
  TestFolder folder;
  ASSERT_TRUE(
      write_png(folder / "really_a_png.jpg", Tensor::filled({2, 2, 3}, 1.0f), {{"a", "b"}}).ok());
  auto image = read_image(folder / "really_a_png.jpg");
  ASSERT_TRUE(image.ok()) << image.error().message();
  EXPECT_EQ(image->pixels.values()[0], 1.0f);
  EXPECT_EQ(read_metadata(folder / "really_a_png.jpg")->at(0).text, "b");

  ASSERT_TRUE(write_file_atomically(folder / "text.png", "hello").ok());
  auto text = read_image(folder / "text.png");
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().kind(), ErrorKind::kUnsupported);
  ASSERT_TRUE(write_file_atomically(folder / "empty.png", "").ok());
  EXPECT_FALSE(read_image(folder / "empty.png").ok());
  EXPECT_FALSE(read_metadata(folder / "empty.png").ok());
  EXPECT_EQ(read_image(folder / "missing.png").error().kind(), ErrorKind::kNotFound);
}

// A TIFF in float32 may be larger than most files.
TEST(Image, IsReadFromFilesOfManyMegabytes) {
  const TestFolder folder;
  ASSERT_TRUE(write_file_atomically(folder / "large.tif", "not an image").ok());
  std::filesystem::resize_file(folder / "large.tif", std::size_t{300} << 20);
  const auto image = read_image(folder / "large.tif");
  ASSERT_FALSE(image.ok());
  EXPECT_EQ(image.error().kind(), decode_image(bytes_of("not an image"), "x").error().kind());
}

TEST(Exif, TurnsAllEightWays) {
  // Stored as 1 2 3 / 4 5 6; the eight ways of EXIF 2.32, figure 5.
  Tensor stored({2, 3, 1}, {1, 2, 3, 4, 5, 6});
  const std::vector<float> wanted[] = {{1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}, {6, 5, 4, 3, 2, 1},
                                       {4, 5, 6, 1, 2, 3}, {1, 4, 2, 5, 3, 6}, {4, 1, 5, 2, 6, 3},
                                       {6, 3, 5, 2, 4, 1}, {3, 6, 2, 5, 1, 4}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    Tensor upright = turned_upright(stored, orientation);
    EXPECT_EQ(upright.shape(), (orientation < 5 ? Shape{2, 3, 1} : Shape{3, 2, 1}));
    auto values = upright.values();
    EXPECT_EQ(std::vector<float>(values.begin(), values.end()), wanted[orientation - 1])
        << orientation;
  }
}

TEST(Exif, DamageLeavesWhatCanBeRead) {
  EXPECT_EQ(read_exif({}).orientation, 1);
  std::string exif = sample_exif(6, "prompt:{}", std::string("ASCII\0\0\0", 8) + "hello");
  EXPECT_EQ(read_exif(bytes_of(exif)).texts.size(), 2u);
  for (std::size_t size = 0; size < exif.size(); ++size) {
    Exif cut = read_exif(bytes_of(std::string_view(exif).substr(0, size)));
    EXPECT_LT(cut.texts.size(), 2u) << size;
  }
  std::string nine = sample_exif(9, "", "");
  EXPECT_EQ(read_exif(bytes_of(nine)).orientation, 1);
}

}  // namespace
}  // namespace obscura::io
