#include "io/tensor_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "io/safetensors_writer.h"
#include "io/test_folder.h"

namespace obscura::io {
namespace {

void write_tensor(const std::filesystem::path& path, const std::string& name, float value) {
  std::filesystem::create_directories(path.parent_path());
  auto writer = SafetensorsWriter::create(path, {{name, DType::kF32, Shape{1}}}).value();
  ASSERT_TRUE(writer.append(std::as_bytes(std::span(&value, 1))).ok());
  ASSERT_TRUE(writer.commit().ok());
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

std::vector<std::string> names_of(const TensorFile& file) {
  std::vector<std::string> names;
  for (const TensorEntry& entry : file.entries()) names.push_back(entry.name);
  return names;
}

TEST(TensorFile, JoinsShards) {
  TestFolder folder;
  write_tensor(folder / "model-00001-of-00002.safetensors", "a", 1);
  write_tensor(folder / "model-00002-of-00002.safetensors", "b", 2);
  write_text(folder / "model.safetensors.index.json",
             R"({"metadata":{"total_size":8},"weight_map":{
                "b":"model-00002-of-00002.safetensors","a":"model-00001-of-00002.safetensors"}})");
  auto file = TensorFile::open(folder / "model.safetensors.index.json");
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(names_of(*file), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(file->parts().size(), 2u);
  EXPECT_EQ(file->bytes(), file->parts()[0].size() + file->parts()[1].size());
}

TEST(TensorFile, RefusesShardsThatLeadElsewhereOrClash) {
  TestFolder folder;
  write_tensor(folder / "one.safetensors", "a", 1);
  write_tensor(folder / "two.safetensors", "a", 2);
  const auto index = folder / "model.safetensors.index.json";
  auto refusal = [&](const std::string& text) {
    write_text(index, text);
    auto file = TensorFile::open(index);
    return file.ok() ? "none" : file.error().message();
  };
  EXPECT_EQ(refusal(R"({"weight_map":{"a":"../one.safetensors"}})"),
            "a file name is wanted in weight_map, found \"../one.safetensors\"");
  EXPECT_EQ(refusal(R"({"weight_map":{"a":"/etc/passwd"}})"),
            "a file name is wanted in weight_map, found \"/etc/passwd\"");
  EXPECT_EQ(refusal(R"({"weight_map":{"a":"one.safetensors","b":"two.safetensors"}})"),
            "two shards have a tensor a");
  EXPECT_NE(refusal(R"({"weight_map":["a"]})").find("wants the object weight_map"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"weight_map":{"a":"model.safetensors.index.json"}})").find("as a shard"),
            std::string::npos);
}

TEST(TensorFile, ReadsDiffusersFolders) {
  TestFolder folder;
  write_tensor(folder / "unet/diffusion_pytorch_model.fp16.safetensors", "conv_in.weight", 1);
  write_tensor(folder / "unet/diffusion_pytorch_model.safetensors", "never.weight", 1);
  write_tensor(folder / "vae/diffusion_pytorch_model.safetensors", "decoder.x", 2);
  write_tensor(folder / "text_encoder/model.safetensors", "text_model.x", 3);
  write_text(folder / "scheduler/scheduler_config.json",
             R"({"prediction_type":"v_prediction","rescale_betas_zero_snr":true})");
  auto file = TensorFile::open(folder.path());
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(names_of(*file),
            (std::vector<std::string>{"unet.conv_in.weight", "text_encoder.text_model.x",
                                      "vae.decoder.x"}));
  EXPECT_EQ(file->metadata().at("prediction_type"), "v_prediction");
  EXPECT_EQ(file->metadata().at("rescale_betas_zero_snr"), "true");

  auto alone = TensorFile::open(folder / "vae");
  ASSERT_TRUE(alone.ok()) << alone.error().message();
  EXPECT_EQ(names_of(*alone), (std::vector<std::string>{"decoder.x"}));

  auto none = TensorFile::open(folder / "scheduler");
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().kind(), ErrorKind::kNotFound);
}

TEST(TensorFile, TellsContentsApart) {
  TestFolder folder;
  write_tensor(folder / "a/x.safetensors", "a", 1);
  std::string before = content_identity(folder / "a").value();
  EXPECT_EQ(content_identity(folder / "a").value(), before);
  write_tensor(folder / "a/y.safetensors", "b", 1);
  EXPECT_NE(content_identity(folder / "a").value(), before);
  EXPECT_FALSE(content_identity(folder / "b").ok());
}

}  // namespace
}  // namespace obscura::io
