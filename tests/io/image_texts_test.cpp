// Recipes in images: written into each format where other programs look for them, and read back.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "io/exif.h"
#include "io/exr.h"
#include "io/image.h"
#include "io/jpeg.h"
#include "io/png.h"
#include "io/text_encoding.h"
#include "io/tiff.h"
#include "io/webp.h"

namespace obscura::io {
namespace {

const ImageMetadata kRecipe = {
    {"prompt", R"({"1": {"class_type": "VAEDecode"}})"},
    {"workflow", R"({"nodes": []})"},
    {"parameters", "a cup, café, 茶, 🍵\nNegative prompt: blurry\nSteps: 20, Seed: 5"},
    {"recipe", R"({"format": 1})"}};

Tensor small_image() {
  return Tensor::filled(Shape{6, 5, 4}, 0.5f);
}

std::string_view text_in(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(ImageTexts, TravelInEachFormat) {
  const Tensor pixels = small_image();
  for (const std::vector<std::byte>& bytes :
       {*encode_png(pixels, kRecipe), *encode_png(pixels, kRecipe, {.bits = 16}),
        encode_jpeg(pixels, kRecipe).bytes, *encode_webp(pixels, kRecipe),
        *encode_webp(pixels, kRecipe, {.lossless = true}), *encode_tiff(pixels, kRecipe),
        *encode_exr(pixels, kRecipe)}) {
    const std::string name(name_of(*recognise_image(bytes)));
    auto texts = decode_metadata(bytes, name);
    ASSERT_TRUE(texts.ok()) << texts.error().message();
    for (const TextEntry& entry : kRecipe) {
      const std::string* found = find_text(*texts, entry.key);
      ASSERT_NE(found, nullptr) << name << " lacks " << entry.key;
      EXPECT_EQ(*found, entry.text) << name;
    }
    auto image = decode_image(bytes, name);
    ASSERT_TRUE(image.ok()) << image.error().message();
    EXPECT_EQ(image->metadata, *texts) << name;
  }
}

// What ComfyUI's page and AUTOMATIC1111's search for, byte by byte.
TEST(ImageTexts, LieInExifWhereOthersLook) {
  const ExifBlock block = write_exif(kRecipe, 1 << 20);
  EXPECT_TRUE(block.left_out.empty());
  const std::string_view bytes = text_in(block.bytes);
  EXPECT_EQ(bytes.substr(0, 4), std::string_view("II*\0", 4));
  EXPECT_NE(bytes.find("prompt:{\"1\""), bytes.npos);
  EXPECT_NE(bytes.find("workflow:{\"nodes\""), bytes.npos);
  const std::size_t comment = bytes.find(std::string_view("UNICODE\0\0a\0 \0c\0u\0p", 18));
  ASSERT_NE(comment, bytes.npos) << "UTF-16, big-endian, as piexif writes it";
  EXPECT_NE(bytes.find("\xd8\x3c\xdf\x75", comment), bytes.npos) << "a surrogate pair";
}

TEST(ImageTexts, ThatFindNoPlaceAreNamed) {
  ImageMetadata texts = kRecipe;
  texts[1].text = "{\"nodes\": \"" + std::string(70'000, 'x') + "\"}";
  const JpegFile file = encode_jpeg(small_image(), texts);
  EXPECT_EQ(file.left_out, std::vector<std::string>{"workflow"});
  const ImageMetadata kept = decode_metadata(file.bytes, "x").value();
  for (const char* key : {"prompt", "parameters", "recipe"})
    EXPECT_EQ(*find_text(kept, key), *find_text(texts, key));
  EXPECT_EQ(find_text(kept, "workflow"), nullptr);

  EXPECT_EQ(write_exif({{"note", "no object"}}, 1000).left_out, std::vector<std::string>{"note"});
  EXPECT_EQ(write_exif(kRecipe, 60).left_out.size(), 4u);
  EXPECT_TRUE(write_exif(kRecipe, 60).bytes.empty());
}

TEST(ImageTexts, OfACameraAreNoParameters) {
  const std::string parameters = "a cup\nSteps: 20";
  const std::string note = "taken at noon";
  for (const std::string& text : {parameters, note}) {
    const Exif exif = read_exif(write_exif({{"parameters", text}}, 1000).bytes);
    ASSERT_EQ(exif.texts.size(), 1u);
    EXPECT_EQ(exif.texts[0].key, text == note ? "UserComment" : "parameters");
    EXPECT_EQ(exif.texts[0].text, text);
  }
}

TEST(ImageTexts, SurviveUtf16) {
  for (const std::string text : {"", "plain", "é ÿ Ā", "茶", "🍵 and 𝄞"}) {
    const std::string utf16 = utf16_from_utf8(text);
    EXPECT_EQ(utf8_from_utf16(std::as_bytes(std::span(utf16)), true), text);
  }
}

}  // namespace
}  // namespace obscura::io
