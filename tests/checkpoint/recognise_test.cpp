#include "checkpoint/recognise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "checkpoint/pocket.h"
#include "models/key_list.h"
#include "models/vae/vae.h"

namespace obscura::checkpoint {
namespace {

using models::KeyListWeights;
using models::read_key_list;
using Entries = std::vector<io::TensorEntry>;

io::TensorEntry tensor(std::string name, Shape shape) {
  return {std::move(name), DType::kF16, shape, {}};
}

// A list of any kind of file, by a few of its tensors.
Entries file_of(std::initializer_list<std::pair<const char*, Shape>> tensors) {
  Entries entries;
  for (const auto& [name, shape] : tensors) entries.push_back(tensor(name, shape));
  return entries;
}

std::string refusal(const Entries& entries) {
  auto layout = recognise(entries, {});
  return layout.ok() ? "none" : layout.error().message();
}

void remove_all(Entries& entries, const std::string& prefix) {
  std::erase_if(entries, [&](const io::TensorEntry& e) { return e.name.starts_with(prefix); });
}

io::TensorEntry& named(Entries& entries, const std::string& name) {
  return *std::find_if(entries.begin(), entries.end(),
                       [&](const io::TensorEntry& e) { return e.name == name; });
}

std::set<std::string> names_of(const std::vector<const io::TensorEntry*>& entries) {
  std::set<std::string> names;
  for (const io::TensorEntry* entry : entries) names.insert(entry->name);
  return names;
}

TEST(Recognise, AccountsForEveryTensorOfSdxlBase) {
  Entries entries = read_key_list("sdxl_base_keys.tsv");
  auto layout = recognise(entries, {});
  ASSERT_TRUE(layout.ok()) << layout.error().message();
  EXPECT_EQ(name_of(layout->architecture), "SDXL base");
  EXPECT_EQ(layout->prediction, Prediction::kEpsilon);
  EXPECT_FALSE(layout->zero_terminal_snr);

  std::set<std::string> ignored;
  for (const TensorReport::Ignored& i : layout->tensors.ignored) {
    ignored.insert(i.entry->name);
    EXPECT_FALSE(i.reason.empty());
  }
  EXPECT_EQ(ignored, (std::set<std::string>{
                         "conditioner.embedders.0.transformer.text_model.embeddings.position_ids",
                         "conditioner.embedders.0.transformer.text_model.final_layer_norm.bias",
                         "conditioner.embedders.0.transformer.text_model.final_layer_norm.weight",
                         "conditioner.embedders.1.model.logit_scale",
                     }));
  EXPECT_TRUE(layout->tensors.unknown.empty()) << *names_of(layout->tensors.unknown).begin();
  EXPECT_EQ(layout->tensors.used.size() + ignored.size(), 2515u);
}

// The published numbers of parameters.
TEST(Recognise, CountsTheParametersOfEachNetwork) {
  Entries entries = read_key_list("sdxl_base_keys.tsv");
  auto layout = recognise(entries, {});
  ASSERT_TRUE(layout.ok()) << layout.error().message();
  EXPECT_EQ(layout->component(ComponentKind::kUNet)->parameters(), 2'567'463'684);
  EXPECT_EQ(layout->component(ComponentKind::kClipL)->parameters(), 123'060'480);
  EXPECT_EQ(layout->component(ComponentKind::kClipG)->parameters(), 694'659'841);
  EXPECT_EQ(layout->component(ComponentKind::kVae)->parameters(), 83'653'863);
}

// The graphs here are built from the list itself, without the layout's help.
TEST(Recognise, CallsUsedExactlyWhatTheGraphsRead) {
  Entries entries = read_key_list("sdxl_base_keys.tsv");
  auto layout = recognise(entries, {});
  ASSERT_TRUE(layout.ok()) << layout.error().message();
  std::set<std::string> read;
  auto note = [&](const std::string& prefix, const Result<ir::Graph>& graph) {
    ASSERT_TRUE(graph.ok()) << graph.error().message();
    for (const ir::Value& value : graph->values) {
      if (value.weight) {
        for (const std::string& part : value.weight->parts) read.insert(prefix + part);
      }
    }
  };
  const std::string unet = "model.diffusion_model.", vae = "first_stage_model.",
                    clip_l = "conditioner.embedders.0.transformer.",
                    clip_g = "conditioner.embedders.1.model.";
  note(unet, models::build_unet(KeyListWeights(entries, unet), layout->unet,
                                {.batch = 2, .height = 128, .width = 128}));
  note(clip_l, models::build_text_encoder(KeyListWeights(entries, clip_l), layout->clip_l,
                                          {.stop_at_layer = -1}));
  note(clip_g, models::build_text_encoder(KeyListWeights(entries, clip_g), layout->clip_g,
                                          {.stop_at_layer = -2, .pooled = true}));
  note(vae, models::build_vae_decoder(KeyListWeights(entries, vae), 1, 128, 128));
  note(vae, models::build_vae_encoder(KeyListWeights(entries, vae), 1, 1024, 1024));
  EXPECT_EQ(names_of(layout->tensors.used), read);
}

TEST(Recognise, ReportsTensorsThatItDoesNotKnow) {
  Entries entries = read_key_list("sdxl_base_keys.tsv");
  entries.push_back(tensor("model.diffusion_model.input_blocks.1.0.surprise.weight", Shape{4}));
  entries.push_back(tensor("cosxl.sigma_min", Shape{1}));
  auto layout = recognise(entries, {});
  ASSERT_TRUE(layout.ok()) << layout.error().message();
  EXPECT_EQ(names_of(layout->tensors.unknown),
            (std::set<std::string>{"model.diffusion_model.input_blocks.1.0.surprise.weight",
                                   "cosxl.sigma_min"}));
}

TEST(Recognise, OpensThePocketModelLikeAnyOther) {
  auto file = io::SafetensorsFile::parse(pocket_model(), "pocket");
  ASSERT_TRUE(file.ok()) << file.error().message();
  auto layout = recognise(*file);
  ASSERT_TRUE(layout.ok()) << layout.error().message();
  EXPECT_EQ(layout->architecture, Architecture::kSdxlBase);
  EXPECT_EQ(layout->prediction, Prediction::kEpsilon);
  EXPECT_TRUE(layout->tensors.unknown.empty()) << *names_of(layout->tensors.unknown).begin();
  const io::TensorEntry* entry =
      layout->component(ComponentKind::kUNet)->entry("input_blocks.0.0.weight");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry, file->find("model.diffusion_model.input_blocks.0.0.weight"));
}

TEST(Recognise, ReadsThePredictionFromMarks) {
  Entries entries = read_key_list("sdxl_base_keys.tsv");
  auto by_metadata = recognise(entries, {{"modelspec.prediction_type", "v"}});
  ASSERT_TRUE(by_metadata.ok());
  EXPECT_EQ(by_metadata->prediction, Prediction::kVelocity);
  entries.push_back(tensor("v_pred", Shape{0}));
  entries.push_back(tensor("ztsnr", Shape{0}));
  auto by_keys = recognise(entries, {});
  ASSERT_TRUE(by_keys.ok()) << by_keys.error().message();
  EXPECT_EQ(by_keys->prediction, Prediction::kVelocity);
  EXPECT_TRUE(by_keys->zero_terminal_snr);
  EXPECT_TRUE(by_keys->tensors.unknown.empty());
  entries.push_back(tensor("edm_mean", Shape{4}));
  EXPECT_NE(refusal(entries).find("EDM"), std::string::npos) << refusal(entries);
}

TEST(Recognise, NamesWhatIsMissingOrDoesNotFit) {
  Entries without_vae = read_key_list("sdxl_base_keys.tsv");
  remove_all(without_vae, "first_stage_model.");
  EXPECT_EQ(refusal(without_vae),
            "an SDXL base checkpoint without vae: there is no "
            "first_stage_model.decoder.conv_in.weight");

  Entries torn = read_key_list("sdxl_base_keys.tsv");
  remove_all(torn, "model.diffusion_model.middle_block.1.proj_out.weight");
  EXPECT_NE(refusal(torn).find("no tensor middle_block.1.proj_out.weight"), std::string::npos)
      << refusal(torn);

  Entries wrong = read_key_list("sdxl_base_keys.tsv");
  named(wrong, "conditioner.embedders.1.model.text_projection").shape = Shape{1000, 1280};
  EXPECT_EQ(refusal(wrong),
            "clip_g: text encoder: text_projection: [linear] input 0 wants 1000 features, got F32 "
            "1x1280");

  Entries integers = read_key_list("sdxl_base_keys.tsv");
  named(integers, "model.diffusion_model.out.2.weight").dtype = DType::kI8;
  EXPECT_EQ(refusal(integers),
            "tensor model.diffusion_model.out.2.weight wants floating-point numbers, holds I8");

  Entries inpainting = read_key_list("sdxl_base_keys.tsv");
  named(inpainting, "model.diffusion_model.input_blocks.0.0.weight").shape = Shape{320, 9, 3, 3};
  EXPECT_NE(refusal(inpainting).find("takes 9 channels, its VAE makes 4"), std::string::npos)
      << refusal(inpainting);
}

TEST(Recognise, RefusesWeightsThatWantScales) {
  Entries entries = read_key_list("sdxl_base_keys.tsv");
  entries.push_back(tensor("model.diffusion_model.out.2.scale_weight", Shape{1}));
  EXPECT_NE(refusal(entries).find("model.diffusion_model.out.2.scale_weight"), std::string::npos)
      << refusal(entries);
}

TEST(Recognise, BeginsItsMessagesWithTheFile) {
  constexpr std::string_view kHeader = R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})";
  std::vector<std::byte> bytes(8 + kHeader.size());
  bytes[0] = std::byte(kHeader.size());
  std::memcpy(bytes.data() + 8, kHeader.data(), kHeader.size());
  auto file = io::SafetensorsFile::parse(bytes, "strange.safetensors");
  ASSERT_TRUE(file.ok()) << file.error().message();
  auto layout = recognise(*file);
  ASSERT_FALSE(layout.ok());
  EXPECT_EQ(
      layout.error().message(),
      "strange.safetensors: an SDXL base checkpoint is wanted, found a file of 1 tensors, the "
      "first a");
}

TEST(Recognise, SaysWhatOtherCheckpointsAre) {
  EXPECT_EQ(refusal(read_key_list("sd15_keys.tsv")),
            "this is a Stable Diffusion 1 checkpoint, an SDXL base checkpoint is wanted");
  EXPECT_EQ(refusal(read_key_list("sd21_keys.tsv")),
            "this is a Stable Diffusion 2 checkpoint, an SDXL base checkpoint is wanted");
  EXPECT_EQ(refusal(read_key_list("sdxl_refiner_keys.tsv")),
            "this is an SDXL refiner, an SDXL base checkpoint is wanted");
}

struct Foreign {
  const char* what;
  Entries entries;
  const char* message;
};

class ForeignFiles : public testing::TestWithParam<Foreign> {};

TEST_P(ForeignFiles, AreSentToTheirPlace) {
  EXPECT_EQ(refusal(GetParam().entries), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Recognise, ForeignFiles,
    testing::Values(
        Foreign{"KohyaLora",
                file_of({{"lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.lora_down."
                          "weight",
                          Shape{4, 2048}},
                         {"lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.alpha",
                          Shape{}}}),
                "this is a LoRA for SDXL, an SDXL base checkpoint is wanted; its place is the "
                "folder loras"},
        Foreign{"PeftLora",
                file_of({{"unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.lora_A."
                          "weight",
                          Shape{8, 768}}}),
                "this is a LoRA for Stable Diffusion 1, an SDXL base checkpoint is wanted; its "
                "place is the folder loras"},
        Foreign{
            "ControlNet",
            file_of({{"control_model.input_hint_block.0.weight", Shape{16, 3, 3, 3}},
                     {"control_model.input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight",
                      Shape{640, 2048}}}),
            "this is a ControlNet for SDXL, an SDXL base checkpoint is wanted; its place is the "
            "folder controlnet"},
        Foreign{"DiffusersUNet",
                file_of({{"down_blocks.0.resnets.0.conv1.weight", Shape{320, 320, 3, 3}},
                         {"down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight",
                          Shape{640, 2048}}}),
                "this is a U-Net in diffusers' naming for SDXL, an SDXL base checkpoint is wanted; "
                "its place is the folder diffusion_models"},
        Foreign{"Vae", file_of({{"decoder.conv_in.weight", Shape{512, 4, 3, 3}}}),
                "this is a VAE, an SDXL base checkpoint is wanted; its place is the folder vae"},
        Foreign{"Embedding", file_of({{"clip_g", Shape{2, 1280}}, {"clip_l", Shape{2, 768}}}),
                "this is a textual inversion embedding for SDXL, an SDXL base checkpoint is "
                "wanted; its place is the folder embeddings"},
        Foreign{"Upscaler", file_of({{"conv_first.weight", Shape{64, 3, 3, 3}}}),
                "this is an upscaler, an SDXL base checkpoint is wanted; its place is the folder "
                "upscale_models"},
        Foreign{"Empty", {}, "an SDXL base checkpoint is wanted, found a file of no tensors"}),
    [](const auto& test) { return std::string(test.param.what); });

}  // namespace
}  // namespace obscura::checkpoint
