#include "io/gguf.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "base/files.h"
#include "test_paths.h"

namespace obscura::io {
namespace {

std::string small_file() {
  return read_file(source_path("tests/fuzz/corpus/tensor_file/small.gguf")).value();
}

std::string gguf_refusal(const std::string& bytes) {
  auto table = read_gguf(std::as_bytes(std::span(bytes)));
  return table.ok() ? "none" : table.error().message();
}

std::vector<float> unpacked(const TensorEntry& entry) {
  std::vector<float> values(static_cast<std::size_t>(entry.shape.elements()));
  widen_to_f32(entry.dtype, entry.bytes.data(), values.data(), values.size());
  return values;
}

TEST(Gguf, ReadsTensorsAndTexts) {
  std::string bytes = small_file();
  auto table = read_gguf(std::as_bytes(std::span(bytes)));
  ASSERT_TRUE(table.ok()) << table.error().message();
  EXPECT_EQ(table->metadata.at("general.architecture"), "sdxl");
  ASSERT_EQ(table->entries.size(), 5u);
  const TensorEntry& lin = table->entries[1];
  EXPECT_EQ(lin.name, "lin");
  EXPECT_EQ(lin.dtype, DType::kQ4_0);
  EXPECT_EQ(lin.shape, (Shape{2, 32}));  // GGML's axes are the other way round
  auto q4 = unpacked(lin);
  for (int i = 0; i < 16; ++i) {
    EXPECT_EQ(q4[static_cast<std::size_t>(i)], static_cast<float>(i - 8) * 2);
    EXPECT_EQ(q4[static_cast<std::size_t>(48 + i)], static_cast<float>(15 - i - 8) * 2);
  }
  EXPECT_EQ(unpacked(table->entries[2]), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(unpacked(table->entries[3]), (std::vector<float>{0.5f, -1}));
  EXPECT_EQ(unpacked(table->entries[4]), (std::vector<float>{1}));
}

// ComfyUI-GGUF stores convolutions flat, so that blocks fit, and their shape beside them.
TEST(Gguf, GivesReshapedTensorsTheirOwnShape) {
  std::string bytes = small_file();
  auto table = read_gguf(std::as_bytes(std::span(bytes)));
  ASSERT_TRUE(table.ok()) << table.error().message();
  const TensorEntry& conv = table->entries[0];
  EXPECT_EQ(conv.shape, (Shape{2, 4, 2, 2}));
  auto values = unpacked(conv);
  for (int i = 0; i < 32; ++i)
    EXPECT_EQ(values[static_cast<std::size_t>(i)], static_cast<float>(i - 16) * 0.5f);
}

TEST(Gguf, SaysWhatIsWrong) {
  std::string bytes = small_file();
  EXPECT_EQ(gguf_refusal(bytes.substr(0, bytes.size() - 40)).substr(0, 22),
            "the file is truncated:");
  EXPECT_EQ(gguf_refusal(bytes.substr(0, 30)).substr(0, 25), "the file ends at byte 30,");
  std::string version = bytes;
  version[4] = 9;
  EXPECT_EQ(gguf_refusal(version), "a GGUF file of version 2 or 3 is wanted, found 9");
  std::string shape = bytes;
  std::size_t at = shape.find("orig_shape.conv") + 15 + 16;
  shape[at] = 3;
  EXPECT_EQ(gguf_refusal(shape),
            "tensor conv: its original shape 3x4x2x2 and its stored shape 32 differ in size");
  std::string type = bytes;
  at = type.find("lin", type.find("yes")) + 3 + 4 + 16;
  type[at] = 21;
  EXPECT_EQ(gguf_refusal(type), "tensor lin: GGML's type 21 is not supported");
}

}  // namespace
}  // namespace obscura::io
