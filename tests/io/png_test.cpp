#include "io/png.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <limits>

#include "base/files.h"
#include "io/png_chunks.h"
#include "io/png_samples.h"
#include "io/test_folder.h"

namespace obscura::io {
namespace {

// Every value of 8 bits (or of a coarse 16-bit raster) occurs.
Tensor gradient(std::int64_t height, std::int64_t width, std::int64_t channels,
                std::int64_t levels) {
  Tensor pixels({height, width, channels});
  for (std::int64_t i = 0; i < pixels.elements(); ++i) {
    pixels.data()[i] = static_cast<float>(i * 7 % levels) / static_cast<float>(levels - 1);
  }
  return pixels;
}

std::vector<float> values_of(const Tensor& tensor) {
  return {tensor.values().begin(), tensor.values().end()};
}

std::vector<float> decoded_values(const std::string& png) {
  auto image = decode_png(bytes_of(png), "x.png");
  EXPECT_TRUE(image.ok()) << (image.ok() ? "" : image.error().message());
  return image.ok() ? values_of(image->pixels) : std::vector<float>();
}

std::string message_of(const std::string& png) {
  auto image = decode_png(bytes_of(png), "x.png");
  return image.ok() ? "decoded" : image.error().message();
}

ImageMetadata awkward_texts() {
  std::string workflow = "{\"nodes\":[";
  while (workflow.size() < 70'000) workflow += "{\"id\":1,\"type\":\"KSampler\"},";
  workflow += "{}]}";
  return {{"prompt", "{\"3\":{\"inputs\":{\"seed\":1}}}"},
          {"workflow", workflow},
          {"latin", "café — no: café"},  // the dash is beyond Latin-1
          {"latin", "naïve Ångström ×÷ÿ\n\ttabs"},
          {"日本 is no key", "x"},
          {"emoji", "商品写真 🧴 \u0085"},
          {"clé", "Latin-1 key"},
          {"empty", ""}};
}

class PngRoundTrip : public testing::TestWithParam<std::pair<int, int>> {};

TEST_P(PngRoundTrip, KeepsEverySample) {
  auto [bits, channels] = GetParam();
  Tensor pixels = gradient(37, 53, channels, bits == 8 ? 256 : 65536);
  auto bytes = encode_png(pixels, {}, {.bits = bits});
  ASSERT_TRUE(bytes.ok());
  auto image = decode_png(*bytes, "x");
  ASSERT_TRUE(image.ok()) << image.error().message();
  EXPECT_EQ(image->pixels.shape(), pixels.shape());
  EXPECT_EQ(values_of(image->pixels), values_of(pixels));
}

INSTANTIATE_TEST_SUITE_P(Depths, PngRoundTrip,
                         testing::Values(std::pair(8, 3), std::pair(8, 4), std::pair(16, 3),
                                         std::pair(16, 4)));

TEST(Png, RoundsToNearestAndClips) {
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              inf = std::numeric_limits<float>::infinity();
  Tensor pixels({1, 4, 3}, {0.0f, 0.4f / 255, 0.6f / 255, 254.4f / 255, 254.6f / 255, 1.0f,  //
                            -3.0f, 7.0f, 0.999999f, nan, inf, -inf});
  auto bytes = encode_png(pixels, {});
  ASSERT_TRUE(bytes.ok());
  auto image = decode_png(*bytes, "x");
  ASSERT_TRUE(image.ok());
  const float wanted[] = {0, 0, 1, 254, 255, 255, 0, 255, 255, 0, 255, 0};
  for (std::size_t i = 0; i < 12; ++i)
    EXPECT_EQ(image->pixels.values()[i], wanted[i] / 255.0f) << i;
}

TEST(Png, TextsSurvive) {
  ImageMetadata texts = awkward_texts();
  texts.erase(texts.begin() + 4);
  auto bytes = encode_png(gradient(2, 2, 3, 256), texts);
  ASSERT_TRUE(bytes.ok()) << bytes.error().message();
  auto metadata = decode_png_metadata(*bytes, "x");
  ASSERT_TRUE(metadata.ok()) << metadata.error().message();
  EXPECT_EQ(*metadata, texts);
  auto image = decode_png(*bytes, "x");
  ASSERT_TRUE(image.ok());
  EXPECT_EQ(image->metadata, texts);
  EXPECT_EQ(*find_text(*metadata, "latin"), texts[2].text);
  EXPECT_EQ(find_text(*metadata, "none"), nullptr);

  std::string_view file(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  EXPECT_NE(file.find(std::string("tEXtprompt\0{", 12)), std::string::npos);
  EXPECT_NE(file.find(std::string("tEXtlatin\0na\xefve", 14)), std::string::npos);
  EXPECT_NE(file.find("iTXtemoji"), std::string::npos);
  EXPECT_EQ(file.find("zTXt"), std::string::npos);
}

TEST(Png, RefusesTextsThatPngCannotHold) {
  auto encode = [](TextEntry entry) {
    auto bytes = encode_png(Tensor({1, 1, 3}), {std::move(entry)});
    return bytes.ok() ? std::string("written") : bytes.error().message();
  };
  for (const char* key : {"", " a", "a ", "a  b", "日本", "a\nb", "\xff"}) {
    EXPECT_NE(encode({key, "x"}).find("cannot name a text"), std::string::npos) << key;
  }
  EXPECT_NE(encode({std::string(80, 'k'), "x"}).find("cannot name a text"), std::string::npos);
  EXPECT_EQ(encode({std::string(79, 'k'), "x"}), "written");
  EXPECT_NE(encode({"a", "\xff"}).find("not UTF-8"), std::string::npos);
  EXPECT_NE(encode({"a", std::string("x\0y", 3)}).find("holds a zero"), std::string::npos);
}

TEST(Png, ReadsEveryKindOfTextChunkBeforeAndAfterThePixels) {
  std::string before = png_chunk("tEXt", std::string_view("Title\0caf\xe9", 10)) +
                       png_chunk("zTXt", std::string("packed\0\0", 8) + zlib_packed("Latin \xff")) +
                       png_chunk("iTXt", std::string("wide\0\0\0de\0weit\0", 15) + "日本");
  std::string after =
      png_chunk("iTXt", std::string("wide\0\1\0\0\0", 9) + zlib_packed(std::string(100000, 'w')));
  std::string png =
      make_png(png_header(1, 1, 8, 2), std::string_view("\0\0\0\0", 4), before, after);
  ImageMetadata wanted = {{"Title", "café"},
                          {"packed", "Latin ÿ"},
                          {"wide", "日本"},
                          {"wide", std::string(100000, 'w')}};
  auto metadata = decode_png_metadata(bytes_of(png), "x");
  ASSERT_TRUE(metadata.ok()) << metadata.error().message();
  EXPECT_EQ(*metadata, wanted);
  auto image = decode_png(bytes_of(png), "x");
  ASSERT_TRUE(image.ok()) << image.error().message();
  EXPECT_EQ(image->metadata, wanted);
}

TEST(Png, ReadsGrayPaletteAndTransparency) {
  // Gray of one bit: two pixels, black and white, become RGB.
  EXPECT_EQ(decoded_values(make_png(png_header(2, 1, 1, 0), std::string_view("\0\x40", 2))),
            (std::vector<float>{0, 0, 0, 1, 1, 1}));
  // Gray of four bits: 15 is white, 5 a third of it.
  EXPECT_EQ(decoded_values(make_png(png_header(1, 1, 4, 0), std::string_view("\0\x50", 2))),
            (std::vector<float>(3, 85.0f / 255.0f)));
  // Gray and alpha.
  EXPECT_EQ(decoded_values(make_png(png_header(1, 1, 8, 4), std::string_view("\0\x33\xff", 3))),
            (std::vector<float>{0.2f, 0.2f, 0.2f, 1}));
  // A palette whose second colour is half transparent.
  std::string palette =
      png_chunk("PLTE", std::string_view("\xff\0\0\0\xff\0", 6)) + png_chunk("tRNS", "\xff\x33");
  EXPECT_EQ(
      decoded_values(make_png(png_header(2, 1, 8, 3), std::string_view("\0\0\1", 3), palette)),
      (std::vector<float>{1, 0, 0, 1, 0, 1, 0, 0.2f}));
  // Gray of 16 bits.
  EXPECT_EQ(decoded_values(make_png(png_header(1, 1, 16, 0), std::string_view("\0\x12\x34", 3))),
            (std::vector<float>(3, 0x1234 / 65535.0f)));
}

TEST(Png, ReadsInterlacedImages) {
  // 2x2 in Adam7: pass 1 has the pixel (0, 0), pass 6 the pixel (0, 1), pass 7 the row 1.
  std::string_view rows("\0\x00\0\x33\0\x66\xff", 7);
  std::vector<float> gray = decoded_values(make_png(png_header(2, 2, 8, 0, 1), rows));
  ASSERT_EQ(gray.size(), 12u);
  EXPECT_EQ((std::vector{gray[0], gray[3], gray[6], gray[9]}),
            (std::vector{0.0f, 0.2f, 0.4f, 1.0f}));
}

TEST(Png, HonoursExifOrientation) {
  std::string exif("II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0", 26);
  std::string png =
      make_png(png_header(2, 1, 8, 0), std::string_view("\0\0\xff", 3), png_chunk("eXIf", exif));
  auto image = decode_png(bytes_of(png), "x");
  ASSERT_TRUE(image.ok()) << image.error().message();
  EXPECT_EQ(image->pixels.shape(), (Shape{2, 1, 3}));
  EXPECT_EQ(values_of(image->pixels), (std::vector<float>{0, 0, 0, 1, 1, 1}));
}

TEST(Png, RefusesDamage) {
  std::string good = make_png(png_header(2, 2, 8, 0), std::string_view("\0\1\2\0\3\4", 6));
  ASSERT_EQ(message_of(good), "decoded");
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_NE(message_of(good.substr(0, size)), "decoded") << size;
  }
  std::string wrong_sum = make_png(png_header(1, 1, 8, 0), std::string_view("\0\1", 2),
                                   png_chunk("tEXt", std::string_view("a\0b", 3)));
  wrong_sum[wrong_sum.find("tEXta") + 6] = 'c';
  EXPECT_NE(message_of(wrong_sum).find("chunk tEXt at byte 33 wants the checksum"),
            std::string::npos)
      << message_of(wrong_sum);
  EXPECT_NE(message_of(make_png(png_header(2, 2, 8, 0), std::string_view("\0\1\2", 3)))
                .find("is damaged"),
            std::string::npos);
  EXPECT_NE(
      message_of(make_png(png_header(2, 2, 3, 0), "")).find("no PNG has colour type 0 and 3 bits"),
      std::string::npos);
  EXPECT_NE(message_of(make_png(png_header(0, 2, 8, 0), "")).find("no pixels"), std::string::npos);
}

TEST(Png, RefusesBombs) {
  EXPECT_NE(message_of(make_png(png_header(16385, 1, 8, 0), ""))
                .find("is 16385x1 pixels, at most 16384x16384"),
            std::string::npos);
  EXPECT_NE(message_of(make_png(png_header(16384, 16384, 16, 6), "")).find("cannot come from"),
            std::string::npos);

  std::string zeros(std::size_t{65} << 20, '\0');
  std::string text = png_chunk("zTXt", std::string("bomb\0\0", 6) + zlib_packed(zeros));
  std::string png = make_png(png_header(1, 1, 8, 0), std::string_view("\0\1", 2), text);
  ASSERT_LT(png.size(), 100'000u);
  EXPECT_NE(message_of(png).find("texts are larger than 64.0 MiB"), std::string::npos)
      << message_of(png);
  // The limit holds for all texts together.
  text = png_chunk("zTXt", std::string("half\0\0", 6) +
                               zlib_packed(std::string_view(zeros).substr(0, 40 << 20)));
  EXPECT_EQ(message_of(make_png(png_header(1, 1, 8, 0), std::string_view("\0\1", 2), text)),
            "decoded");
  EXPECT_NE(message_of(make_png(png_header(1, 1, 8, 0), std::string_view("\0\1", 2), text + text))
                .find("larger than"),
            std::string::npos);
}

TEST(Png, WritesWholeFilesThatPngcheckAccepts) {
  if (std::system("pngcheck -h > /dev/null 2>&1") == 127 << 8)
    GTEST_SKIP() << "pngcheck is not installed";
  TestFolder folder;
  ImageMetadata texts = awkward_texts();
  texts.erase(texts.begin() + 4);
  for (int bits : {8, 16}) {
    for (int channels : {3, 4}) {
      auto path =
          folder / ("image_" + std::to_string(bits) + "_" + std::to_string(channels) + ".png");
      ASSERT_TRUE(write_png(path, gradient(65, 33, channels, 65536), texts, {.bits = bits}).ok());
      EXPECT_EQ(std::system(("pngcheck -q " + path.string()).c_str()), 0);
    }
  }
  std::string broken = *read_file(folder / "image_8_3.png");
  broken[broken.size() / 2] ^= 1;
  ASSERT_TRUE(write_file_atomically(folder / "broken.png", broken).ok());
  EXPECT_NE(
      std::system(("pngcheck -q " + (folder / "broken.png").string() + " > /dev/null").c_str()), 0);
}

TEST(Png, AnUnwritableFolderIsReported) {
  Status status = write_png("/proc/nowhere/image.png", Tensor({1, 1, 3}), {});
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message().find("/proc/nowhere/image.png"), std::string::npos);
}

TEST(Png, RefusesTensorsThatAreNoImages) {
  EXPECT_THROW((void)encode_png(Tensor({4, 4}), {}), InternalError);
  EXPECT_THROW((void)encode_png(Tensor({4, 4, 1}), {}), InternalError);
  EXPECT_THROW((void)encode_png(Tensor({0, 4, 3}), {}), InternalError);
  auto wide = encode_png(Tensor({1, 16385, 3}), {});
  ASSERT_FALSE(wide.ok());
  EXPECT_EQ(wide.error().kind(), ErrorKind::kInvalidInput);
}

}  // namespace
}  // namespace obscura::io
