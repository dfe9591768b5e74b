// Files that are damaged, hostile, or for something else: errors that say what is wrong, and no
// file that does harm.
#include <gtest/gtest.h>

#include <limits>

#include "adapter/adapter_samples.h"
#include "fuzz/mutate.h"

namespace obscura::adapter {
namespace {

constexpr const char* kStem = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k";
constexpr const char* kTensor = "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight";

Networks tiny() {
  static const auto kStore = [] {
    std::mt19937 random(1);
    SampleTensors tensors;
    tensors[kTensor] = random_tensor(random, Shape{6, 8});
    tensors["input_blocks.1.0.in_layers.2.weight"] = random_tensor(random, Shape{6, 4, 3, 3});
    tensors["input_blocks.1.0.in_layers.2.bias"] = random_tensor(random, Shape{6});
    return store_of(tensors);
  }();
  return {kStore, nullptr, nullptr};
}

// What is said of an adapter with these tensors at kStem.
std::string complaint(const SampleTensors& suffixes, ErrorKind kind,
                      const io::SafetensorsMetadata& metadata = {}) {
  SampleTensors tensors;
  for (const auto& [suffix, tensor] : suffixes) tensors[kStem + suffix] = tensor;
  Sample sample(tensors, metadata);
  auto result = adapt(sample.file, tiny(), {});
  if (result.ok()) return "no complaint";
  EXPECT_EQ(result.error().kind(), kind) << result.error().message();
  return result.error().message();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
#define EXPECT_CONTAINS(text, part)                       \
  do {                                                    \
    std::string text_ = (text);                           \
    EXPECT_TRUE(contains(text_, part)) << "in " << text_; \
  } while (false)

SampleTensor zeros(Shape shape) {
  return {shape, std::vector<float>(static_cast<std::size_t>(shape.elements()), 0.0f)};
}

SampleTensors lora(std::int64_t out, std::int64_t up_rank, std::int64_t rank, std::int64_t in) {
  return {{".lora_up.weight", zeros(Shape{out, up_rank})},
          {".lora_down.weight", zeros(Shape{rank, in})}};
}

TEST(Hostile, FactorsThatDoNotFitEachOther) {
  EXPECT_CONTAINS(complaint(lora(6, 3, 2, 8), ErrorKind::kCorrupt), "ranks");
  EXPECT_CONTAINS(complaint({{".lora_up.weight", zeros(Shape{6, 2})}}, ErrorKind::kCorrupt),
                  "has no down factor");
  EXPECT_CONTAINS(complaint({{".hada_w1_a", zeros(Shape{6, 2})}}, ErrorKind::kCorrupt),
                  "has no hada_w1_b");
  EXPECT_CONTAINS(complaint({{".lokr_w1", zeros(Shape{2, 2})}}, ErrorKind::kCorrupt),
                  "has no lokr_w2 or lokr_w2_a");
  EXPECT_CONTAINS(complaint({{".oft_blocks", zeros(Shape{2, 3, 2})}}, ErrorKind::kCorrupt),
                  "square");
  EXPECT_CONTAINS(complaint(lora(6, 20, 20, 8), ErrorKind::kCorrupt), "rank 20");
  SampleTensors two = lora(6, 2, 2, 8);
  two[".oft_blocks"] = zeros(Shape{3, 2, 2});
  EXPECT_CONTAINS(complaint(two, ErrorKind::kCorrupt), "two kinds");
  SampleTensors empty = lora(6, 0, 0, 8);
  EXPECT_CONTAINS(complaint(empty, ErrorKind::kCorrupt), "holds nothing");
  SampleTensors twice = lora(6, 2, 2, 8);
  twice[".lora_B.weight"] = zeros(Shape{6, 2});
  SampleTensors named;
  for (const auto& [suffix, tensor] : twice) named[kStem + suffix] = tensor;
  auto bytes = file_bytes(named);
  EXPECT_CONTAINS(AdapterFile::parse(bytes, "x", "x").error().message(), "under two names");
}

TEST(Hostile, SizesOfAnotherModel) {
  EXPECT_CONTAINS(complaint(lora(6, 2, 2, 9), ErrorKind::kInvalidInput),
                  "makes a matrix of 6 x 9, the model's weight is 6x8");
  // A context of 768: what SDXL's users most often load by mistake.
  EXPECT_CONTAINS(complaint(lora(6, 2, 2, 768), ErrorKind::kInvalidInput), "Stable Diffusion 1");
  EXPECT_CONTAINS(complaint(lora(6, 2, 2, 1024), ErrorKind::kInvalidInput), "Stable Diffusion 2");
  EXPECT_CONTAINS(complaint({{".lokr_w1", zeros(Shape{4, 2})}, {".lokr_w2", zeros(Shape{2, 4})}},
                            ErrorKind::kInvalidInput),
                  "Kronecker");
  EXPECT_CONTAINS(complaint({{".oft_blocks", zeros(Shape{2, 4, 4})}}, ErrorKind::kInvalidInput),
                  "6x8");
  EXPECT_CONTAINS(complaint({{".diff", zeros(Shape{8, 6})}}, ErrorKind::kInvalidInput), "8x6");
}

TEST(Hostile, NumbersThatAreNone) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  SampleTensors tensors = lora(6, 2, 2, 8);
  tensors[".alpha"] = number(kNan);
  EXPECT_CONTAINS(complaint(tensors, ErrorKind::kCorrupt), "alpha should be a finite number");
  tensors[".alpha"] = zeros(Shape{3});
  EXPECT_CONTAINS(complaint(tensors, ErrorKind::kCorrupt), "should be one number");
  tensors.erase(".alpha");
  tensors[".lora_up.weight"].values[3] = static_cast<float>(kNan);
  Sample sample({{std::string(kStem) + ".lora_up.weight", tensors[".lora_up.weight"]},
                 {std::string(kStem) + ".lora_down.weight", tensors[".lora_down.weight"]}});
  auto adapted = adapt(sample.file, tiny(), {});
  ASSERT_TRUE(adapted.ok());
  auto values = read(*adapted->networks.unet, kTensor);
  ASSERT_FALSE(values.ok());
  EXPECT_EQ(values.error().kind(), ErrorKind::kCorrupt);
  EXPECT_CONTAINS(values.error().message(), "lora_up.weight holds a NaN");
}

TEST(Hostile, FilesThatAreNoAdapterForThis) {
  auto refused = [](const std::string& tensor) {
    Sample sample({{tensor, zeros(Shape{2, 2})}});
    auto result = adapt(sample.file, tiny(), {});
    return result.ok() ? "accepted" : result.error().message();
  };
  EXPECT_CONTAINS(refused("control_model.input_blocks.0.0.weight"), "a ControlNet");
  EXPECT_CONTAINS(refused("transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight"),
                  "FLUX");
  EXPECT_CONTAINS(refused("first_stage_model.decoder.conv_in.weight"), "a checkpoint");
  EXPECT_CONTAINS(refused("something.else"), "its first tensor is something.else");
}

TEST(Hostile, WhatFitsNothingIsNamed) {
  SampleTensors tensors;
  for (const auto& [suffix, tensor] : lora(6, 2, 2, 8)) {
    tensors[kStem + suffix] = tensor;
    tensors["lora_unet_nowhere" + suffix] = tensor;
    tensors["lora_te1_text_model_encoder_layers_0_mlp_fc1" + suffix] = tensor;
  }
  tensors["bundle_emb.style.clip_l"] = zeros(Shape{2, 2});
  Sample sample(tensors);
  auto result = adapt(sample.file, tiny(), {});
  ASSERT_TRUE(result.ok()) << result.error().message();
  // Not those of the text encoders, which were not given.
  EXPECT_EQ(result->unmatched, (std::vector<std::string>{"bundle_emb.style.clip_l",
                                                         "lora_unet_nowhere.lora_down.weight",
                                                         "lora_unet_nowhere.lora_up.weight"}));
}

// peft's files have no alpha tensor.
TEST(Hostile, AlphaOfPeftsMetadata) {
  const std::string stem = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k";
  std::mt19937 random(5);
  SampleTensors tensors = {{stem + ".lora_B.weight", random_tensor(random, Shape{6, 4})},
                           {stem + ".lora_A.weight", random_tensor(random, Shape{4, 8})}};
  // The level's downsampler, from which the table learns how many blocks a level has.
  Networks base = {store_of({{kTensor, zeros(Shape{6, 8})},
                             {"input_blocks.1.0.in_layers.0.weight", zeros(Shape{1})},
                             {"input_blocks.2.0.in_layers.0.weight", zeros(Shape{1})},
                             {"input_blocks.3.0.op.weight", zeros(Shape{1, 1, 3, 3})}}),
                   nullptr, nullptr};
  auto first = [&](const std::string& metadata) {
    Sample sample(tensors, metadata.empty()
                               ? io::SafetensorsMetadata{}
                               : io::SafetensorsMetadata{{"lora_adapter_metadata", metadata}});
    auto adapted = adapt(sample.file, base, {});
    EXPECT_TRUE(adapted.ok()) << adapted.error().message();
    return read(*adapted->networks.unet, kTensor).value()[0];
  };
  float plain = first("");
  EXPECT_FLOAT_EQ(first(R"({"unet.r": 4, "unet.lora_alpha": 2})"), plain / 2);
  EXPECT_FLOAT_EQ(first(R"({"unet.lora_alpha": 2, "unet.use_rslora": true})"), plain);
  EXPECT_FLOAT_EQ(first(R"({"unet.lora_alpha": 2, "unet.alpha_pattern": {"attn2.to_k": 12}})"),
                  plain * 3);
  EXPECT_FLOAT_EQ(first(R"({"text_encoder.lora_alpha": 2})"), plain);
  auto bytes = file_bytes(tensors, {{"lora_adapter_metadata", "[1"}});
  EXPECT_CONTAINS(AdapterFile::parse(bytes, "x", "x").error().message(), "not a JSON object");
  bytes = file_bytes(tensors, {{"lora_adapter_metadata", R"({"unet.lora_alpha": "two"})"}});
  auto wrong = adapt(AdapterFile::parse(bytes, "x", "x").value(), base, {});
  ASSERT_FALSE(wrong.ok());
  EXPECT_CONTAINS(wrong.error().message(), "should be a number");
}

// Every family in one seed each, so that changed names and sizes lead from one to another.
TEST(Hostile, MutatedFilesAreRefusedOrHarmless) {
  std::mt19937 random(11);
  auto seed = [&](const std::map<std::string, Shape>& suffixes, const char* stem) {
    SampleTensors tensors;
    for (const auto& [suffix, shape] : suffixes)
      tensors[stem + suffix] = random_tensor(random, shape);
    return file_bytes(tensors);
  };
  constexpr const char* kConv = "lora_unet_input_blocks_1_0_in_layers_2";
  std::vector<fuzz::Input> seeds = {
      seed({{".lora_up.weight", {6, 2}},
            {".lora_down.weight", {2, 8}},
            {".alpha", {}},
            {".dora_scale", {6, 1}}},
           kStem),
      seed({{".lora_up.weight", {6, 2, 1, 1}},
            {".lora_down.weight", {2, 4, 1, 1}},
            {".lora_mid.weight", {2, 2, 3, 3}},
            {".diff_b", {6}}},
           kConv),
      seed({{".hada_w1_a", {6, 2}},
            {".hada_w1_b", {2, 8}},
            {".hada_w2_a", {6, 2}},
            {".hada_w2_b", {2, 8}}},
           kStem),
      seed({{".lokr_w1", {3, 2}}, {".lokr_w2_a", {2, 2}}, {".lokr_w2_b", {2, 4}}}, kStem),
      seed({{".a1.weight", {2, 8}},
            {".a2.weight", {8, 2}},
            {".b1.weight", {2, 8}},
            {".b2.weight", {6, 2}}},
           kStem),
      seed({{".oft_blocks", {3, 2, 2}}, {".rescale", {6, 1}}}, kStem),
      seed({{".weight", {1, 8}}, {".on_input", {}}}, kStem),
      seed({{".diff", {6, 8}}, {".set_weight", {6, 8}}}, kStem),
  };
  Networks base = tiny();
  int adapted_files = 0, refused = 0;
  fuzz::run_mutations(seeds, 20'000, [&](std::span<const std::byte> input) {
    auto file = AdapterFile::parse(input, "mutated", "mutated");
    auto adapted = file.ok() ? adapt(*file, base, {.unet = 0.5}) : file.error();
    if (!adapted.ok()) {
      EXPECT_FALSE(adapted.error().message().empty());
      ++refused;
      return;
    }
    ++adapted_files;
    for (const auto& [name, tensor] : adapted->networks.unet->tensors())
      static_cast<void>(read(*adapted->networks.unet, name));
  });
  EXPECT_GE(adapted_files, 500);
  EXPECT_GE(refused, 500);
}

}  // namespace
}  // namespace obscura::adapter
