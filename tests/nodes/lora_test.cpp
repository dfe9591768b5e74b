// The nodes that load adapters, over the pocket model and a folder with the golden LoRA.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "adapter/adapter_samples.h"
#include "checkpoint/pocket.h"
#include "golden_data.h"
#include "graph/node_registry.h"
#include "io/test_folder.h"
#include "io/torch_writer.h"
#include "nodes/model_folders.h"
#include "nodes/sockets.h"

namespace obscura::nodes {
namespace {

using graph::Value;

constexpr const char* kLoraTensor = "middle_block.1.proj_in.weight";

class LoraNodes : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_.path() / "loras" / "style");
    std::filesystem::copy_file(golden::path("golden_lora.safetensors"),
                               folder_.path() / "loras" / "style" / "golden.safetensors");
    folders_.add_root(folder_.path());
    folders_.add_embedded("pocket", checkpoint::pocket_model(), "pocket");
    environment_.provide(folders_);
    base_ = pipeline::load_checkpoint(folders_.open("checkpoints", "pocket").value()).value();
  }

  void write(const std::string& name, const adapter::SampleTensors& tensors) {
    auto bytes = adapter::file_bytes(tensors);
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    ASSERT_TRUE(write_file_atomically(folder_.path() / "loras" / name, text).ok());
  }

  Result<graph::NodeResult> load(const std::string& node, const std::string& name, double model,
                                 double clip = 0) {
    std::vector<graph::NodeInputs::Entry> entries = {
        {"model", {Value::handle("MODEL", base_.model)}},
        {"lora_name", {Value::string(name)}},
        {"strength_model", {Value::number(model)}}};
    if (node == "LoraLoader") {
      entries.push_back({"clip", {Value::handle("CLIP", base_.text)}});
      entries.push_back({"strength_clip", {Value::number(clip)}});
    }
    graph::CallContext context;
    context.environment = &environment_;
    warnings_.clear();
    context.warn = [&](std::string text) { warnings_.push_back(std::move(text)); };
    graph::NodeCall call(graph::NodeInputs(std::move(entries)), context);
    return graph::NodeRegistry::builtin().find(node)->body()(call);
  }

  static std::shared_ptr<const pipeline::DiffusionModel> model_of(const graph::NodeResult& result) {
    return result.outputs()[0][0].share<pipeline::DiffusionModel>();
  }
  static std::shared_ptr<const pipeline::TextEncoders> text_of(const graph::NodeResult& result) {
    return result.outputs()[1][0].share<pipeline::TextEncoders>();
  }

  io::TestFolder folder_;
  ModelFolders folders_;
  graph::Environment environment_;
  pipeline::Checkpoint base_;
  std::vector<std::string> warnings_;
};

TEST_F(LoraNodes, DeclareComfyUisInputs) {
  const graph::NodeType* node = graph::NodeRegistry::builtin().find("LoraLoader");
  std::vector<std::string> names;
  for (const auto& input : node->inputs()) names.push_back(input.name());
  EXPECT_EQ(names, (std::vector<std::string>{"model", "clip", "lora_name", "strength_model",
                                             "strength_clip"}));
  EXPECT_EQ(folders_.list("loras"), std::vector<std::string>{"style/golden.safetensors"});
  EXPECT_EQ(graph::NodeRegistry::builtin().find("LoraLoaderModelOnly")->outputs().size(), 1u);
}

TEST_F(LoraNodes, AdaptTheModelAndLeaveTheCheckpointAlone) {
  auto before = adapter::read(*base_.model->weights, kLoraTensor).value();
  for (const char* node : {"LoraLoader", "LoraLoaderModelOnly"}) {
    auto result = load(node, "style/golden.safetensors", 0.8, 1);
    ASSERT_TRUE(result.ok()) << result.error().message();
    EXPECT_TRUE(warnings_.empty());
    EXPECT_NE(adapter::read(*model_of(*result)->weights, kLoraTensor).value(), before);
    EXPECT_NE(model_of(*result)->weights->identity(), base_.model->weights->identity());
    EXPECT_EQ(adapter::read(*base_.model->weights, kLoraTensor).value(), before);
  }
}

// Old trainers saved adapters as they saved checkpoints.
TEST_F(LoraNodes, ReadPyTorchsFilesAsSafetensors) {
  auto golden = io::TensorFile::open(golden::path("golden_lora.safetensors")).value();
  std::vector<Tensor> values;
  std::vector<io::TorchTensor> tensors;
  for (const io::TensorEntry& entry : golden.entries()) {
    values.push_back(golden::tensor(entry));
    tensors.push_back({entry.name, entry.shape, std::as_const(values.back()).values()});
  }
  auto wanted = load("LoraLoaderModelOnly", "style/golden.safetensors", 0.8);
  ASSERT_TRUE(wanted.ok()) << wanted.error().message();
  for (const char* name : {"old.ckpt", "old.pt", "old.bin"}) {
    io::write_torch_file(folder_.path() / "loras" / name, tensors);
    auto result = load("LoraLoaderModelOnly", name, 0.8);
    ASSERT_TRUE(result.ok()) << result.error().message();
    EXPECT_TRUE(warnings_.empty());
    EXPECT_EQ(adapter::read(*model_of(*result)->weights, kLoraTensor).value(),
              adapter::read(*model_of(*wanted)->weights, kLoraTensor).value());
  }
}

TEST_F(LoraNodes, PassThroughAtStrengthZero) {
  // Not even the file is looked for.
  auto result = load("LoraLoader", "gone.safetensors", 0, 0);
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_EQ(model_of(*result), base_.model);
  EXPECT_EQ(text_of(*result), base_.text);
  EXPECT_EQ(load("LoraLoader", "gone.safetensors", 1).error().kind(), ErrorKind::kNotFound);
}

TEST_F(LoraNodes, AdaptTheTextEncodersByTheirOwnStrength) {
  const std::string tensor = "transformer.resblocks.0.attn.in_proj_weight";
  const Shape fused = *base_.text->clip_g->find(tensor);
  std::int64_t width = fused[1];
  std::mt19937 random(2);
  const std::string stem = "lora_te2_text_model_encoder_layers_0_self_attn_k_proj.";
  write("text.safetensors",
        {{stem + "lora_up.weight", adapter::random_tensor(random, Shape{width, 2})},
         {stem + "lora_down.weight", adapter::random_tensor(random, Shape{2, width})}});
  auto result = load("LoraLoader", "text.safetensors", 1, 0.5);
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_EQ(model_of(*result), base_.model);
  EXPECT_EQ(text_of(*result)->clip_l, base_.text->clip_l);
  auto before = adapter::read(*base_.text->clip_g, tensor).value();
  auto after = adapter::read(*text_of(*result)->clip_g, tensor).value();
  // Of the rows of q, k and v only those of k changed.
  std::ptrdiff_t block = width * width;
  EXPECT_TRUE(std::equal(before.begin(), before.begin() + block, after.begin()));
  EXPECT_FALSE(
      std::equal(before.begin() + block, before.begin() + 2 * block, after.begin() + block));
  EXPECT_TRUE(std::equal(before.begin() + 2 * block, before.end(), after.begin() + 2 * block));

  result = load("LoraLoaderModelOnly", "text.safetensors", 1);
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_EQ(model_of(*result), base_.model);
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_NE(warnings_[0].find("only the text encoders"), std::string::npos) << warnings_[0];
}

TEST_F(LoraNodes, NameWhatFitsNothing) {
  adapter::SampleTensors tensors;
  std::mt19937 random(4);
  const Shape shape = *base_.model->weights->find(kLoraTensor);
  for (const char* stem : {"lora_unet_middle_block_1_proj_in", "lora_unet_nowhere"}) {
    tensors[std::string(stem) + ".lora_up.weight"] =
        adapter::random_tensor(random, Shape{shape[0], 2});
    tensors[std::string(stem) + ".lora_down.weight"] =
        adapter::random_tensor(random, Shape{2, shape[1]});
  }
  write("odd.safetensors", tensors);
  ASSERT_TRUE(load("LoraLoader", "odd.safetensors", 1, 1).ok());
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_NE(warnings_[0].find("odd.safetensors: 2 of its tensors"), std::string::npos)
      << warnings_[0];
  EXPECT_NE(warnings_[0].find("lora_unet_nowhere.lora_down.weight"), std::string::npos);
}

}  // namespace
}  // namespace obscura::nodes
