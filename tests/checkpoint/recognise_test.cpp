#include "checkpoint/recognise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "checkpoint/kinds/text_encoder.h"
#include "checkpoint/kinds/unet.h"
#include "checkpoint/kinds/vae.h"
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

const std::string kWanted =
    "a model of SDXL, SDXL's refiner, Stable Diffusion 2 or Stable Diffusion 1";

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

struct Published {
  const char* list;
  const char* name;
  std::size_t tensors, ignored;
  std::vector<std::pair<const NetworkKind*, std::int64_t>> parameters;
};

class PublishedFiles : public testing::TestWithParam<Published> {};

// Nothing is left over: each tensor is read by a network, or known not to be needed.
TEST_P(PublishedFiles, AreAccountedForTensorByTensor) {
  Entries entries = read_key_list(GetParam().list);
  auto layout = recognise(entries, {});
  ASSERT_TRUE(layout.ok()) << layout.error().message();
  ASSERT_NE(layout->family, nullptr);
  EXPECT_EQ(layout->family->name, GetParam().name);
  EXPECT_EQ(layout->title(), GetParam().name);
  EXPECT_EQ(layout->prediction, Prediction::kEpsilon);
  EXPECT_FALSE(layout->zero_terminal_snr);
  for (const TensorReport::Ignored& i : layout->tensors.ignored) EXPECT_FALSE(i.reason.empty());
  EXPECT_EQ(layout->tensors.ignored.size(), GetParam().ignored);
  EXPECT_TRUE(layout->tensors.unknown.empty()) << *names_of(layout->tensors.unknown).begin();
  EXPECT_EQ(layout->tensors.used.size() + GetParam().ignored, GetParam().tensors);
  EXPECT_EQ(layout->components.size(), GetParam().parameters.size());
  for (auto [kind, parameters] : GetParam().parameters) {
    ASSERT_TRUE(layout->has(*kind)) << kind->id;
    EXPECT_EQ(layout->component(*kind)->parameters(), parameters) << kind->id;
  }
}

// The published numbers of parameters.
INSTANTIATE_TEST_SUITE_P(
    Recognise, PublishedFiles,
    testing::Values(
        Published{"sdxl_base_keys.tsv",
                  "SDXL base",
                  2515,
                  4,
                  {{&kUNet, 2'567'463'684},
                   {&kClipL, 123'060'480},
                   {&kClipG, 694'659'841},
                   {&kVae, 83'653'863}}},
        Published{"sdxl_refiner_keys.tsv",
                  "SDXL refiner",
                  1858,
                  1,
                  {{&kUNet, 2'259'526'660}, {&kClipG, 694'659'841}, {&kVae, 83'653'863}}},
        Published{"sd15_keys.tsv",
                  "Stable Diffusion 1",
                  1145,
                  15,
                  {{&kUNet, 859'520'964}, {&kClipL, 123'060'480}, {&kVae, 83'653'863}}},
        Published{"sd21_keys.tsv",
                  "Stable Diffusion 2",
                  1242,
                  16,
                  {{&kUNet, 865'910'724}, {&kClipH, 354'032'641}, {&kVae, 83'653'863}}}),
    [](const auto& test) {
      std::string list = test.param.list;
      return list.substr(0, list.find("_keys"));
    });

TEST(Recognise, SaysWhatOfSdxlBaseIsNotNeeded) {
  Entries entries = read_key_list("sdxl_base_keys.tsv");
  auto layout = recognise(entries, {});
  ASSERT_TRUE(layout.ok()) << layout.error().message();
  std::set<std::string> ignored;
  for (const TensorReport::Ignored& i : layout->tensors.ignored) ignored.insert(i.entry->name);
  EXPECT_EQ(ignored, (std::set<std::string>{
                         "conditioner.embedders.0.transformer.text_model.embeddings.position_ids",
                         "conditioner.embedders.0.transformer.text_model.final_layer_norm.bias",
                         "conditioner.embedders.0.transformer.text_model.final_layer_norm.weight",
                         "conditioner.embedders.1.model.logit_scale",
                     }));
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
  note(unet, models::build_unet(KeyListWeights(entries, unet), layout->unet_config(),
                                {.batch = 2, .height = 128, .width = 128}));
  note(clip_l,
       models::build_text_encoder(KeyListWeights(entries, clip_l),
                                  layout->text_encoder_config(kClipL), {.stop_at_layer = -1}));
  note(clip_g, models::build_text_encoder(KeyListWeights(entries, clip_g),
                                          layout->text_encoder_config(kClipG),
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
  EXPECT_EQ(layout->family->name, "SDXL base");
  EXPECT_EQ(layout->prediction, Prediction::kEpsilon);
  EXPECT_TRUE(layout->tensors.unknown.empty()) << *names_of(layout->tensors.unknown).begin();
  const io::TensorEntry* entry = layout->component(kUNet)->entry("input_blocks.0.0.weight");
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

  Entries depth = read_key_list("sd21_keys.tsv");
  named(depth, "model.diffusion_model.input_blocks.0.0.weight").shape = Shape{320, 5, 3, 3};
  EXPECT_NE(refusal(depth).find("found one that takes 5"), std::string::npos) << refusal(depth);

  Entries mixed = read_key_list("sdxl_refiner_keys.tsv");
  Entries base = read_key_list("sdxl_base_keys.tsv");
  remove_all(mixed, "model.diffusion_model.");
  for (io::TensorEntry& entry : base)
    if (entry.name.starts_with("model.diffusion_model.")) mixed.push_back(entry);
  EXPECT_EQ(refusal(mixed), "unet: a context of 1280 features is wanted, it takes 2048");
}

TEST(Recognise, TakesInpaintingAndEditingModels) {
  for (const char* list : {"sdxl_base_keys.tsv", "sd15_keys.tsv", "sd21_keys.tsv"}) {
    for (std::int64_t channels : {8, 9}) {
      Entries entries = read_key_list(list);
      io::TensorEntry& first = named(entries, "model.diffusion_model.input_blocks.0.0.weight");
      first.shape.set(1, channels);
      EXPECT_EQ(refusal(entries), "none") << list;
    }
  }
}

TEST(Recognise, TakesACheckpointWithoutVae) {
  Entries entries = read_key_list("sd15_keys.tsv");
  remove_all(entries, "first_stage_model.");
  auto layout = recognise(entries, {});
  ASSERT_TRUE(layout.ok()) << layout.error().message();
  EXPECT_FALSE(layout->has(kVae));
  EXPECT_EQ(layout->title(), "Stable Diffusion 1");
}

// Only one number tells Stable Diffusion 2.1's two kinds apart.
TEST(Recognise, TellsVelocityInStableDiffusion2ByALayerNorm) {
  Entries entries = read_key_list("sd21_keys.tsv");
  io::TensorEntry& bias =
      named(entries, "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias");
  bias.dtype = DType::kF32;
  std::vector<float> values(static_cast<std::size_t>(bias.shape.elements()));
  for (float spread : {0.05f, 0.2f}) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = i % 2 == 0 ? spread : -spread;
    bias.bytes = std::as_bytes(std::span(values));
    auto layout = recognise(entries, {});
    ASSERT_TRUE(layout.ok()) << layout.error().message();
    EXPECT_EQ(layout->prediction == Prediction::kVelocity, spread > 0.09f) << spread;
    auto declared = recognise(entries, {{"prediction_type", "epsilon"}});
    ASSERT_TRUE(declared.ok());
    EXPECT_EQ(declared->prediction, Prediction::kEpsilon);
  }
}

TEST(Recognise, KeepsTheScalesOfFloat8Weights) {
  Entries entries = read_key_list("sdxl_base_keys.tsv");
  const float scale = 0.25f;
  io::TensorEntry entry = tensor("model.diffusion_model.out.2.scale_weight", Shape{1});
  entry.dtype = DType::kF32;
  entry.bytes = std::as_bytes(std::span(&scale, 1));
  entries.push_back(entry);
  entries.push_back(tensor("model.diffusion_model.out.2.scale_input", Shape{1}));
  entries.push_back(tensor("model.diffusion_model.scaled_fp8", Shape{0}));
  auto layout = recognise(entries, {});
  ASSERT_TRUE(layout.ok()) << layout.error().message();
  EXPECT_TRUE(layout->tensors.unknown.empty()) << *names_of(layout->tensors.unknown).begin();
  const Component& unet = *layout->component(kUNet);
  EXPECT_EQ(unet.scale("out.2.weight"), 0.25f);
  EXPECT_EQ(unet.scale("out.0.weight"), 1.0f);
  EXPECT_TRUE(names_of(layout->tensors.used).contains(entry.name));

  named(entries, entry.name).shape = Shape{4};
  EXPECT_EQ(refusal(entries),
            "tensor model.diffusion_model.out.2.scale_weight: one number that scales a whole "
            "weight is wanted, found F32 4");
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
  EXPECT_EQ(layout.error().message(), "strange.safetensors: " + kWanted +
                                          " is wanted, found a file of 1 tensor, the first a");
}

// Of a file, whose message says WANTED for what is.
struct Foreign {
  const char* what;
  Entries entries;
  const char* message;
};

class ForeignFiles : public testing::TestWithParam<Foreign> {};

TEST_P(ForeignFiles, AreSentToTheirPlace) {
  std::string message = GetParam().message;
  message.replace(message.find("WANTED"), 6, kWanted);
  EXPECT_EQ(refusal(GetParam().entries), message);
}

INSTANTIATE_TEST_SUITE_P(
    Recognise, ForeignFiles,
    testing::Values(
        Foreign{
            "KohyaLora",
            file_of({{"lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.lora_down.weight",
                      Shape{4, 2048}},
                     {"lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.alpha",
                      Shape{}}}),
            "this is a LoRA for SDXL, WANTED is wanted; its place is the folder loras"},
        Foreign{
            "PeftLora",
            file_of(
                {{"unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight",
                  Shape{8, 768}}}),
            "this is a LoRA for Stable Diffusion 1, WANTED is wanted; its place is the folder "
            "loras"},
        Foreign{
            "ControlNet",
            file_of({{"control_model.input_hint_block.0.weight", Shape{16, 3, 3, 3}},
                     {"control_model.input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight",
                      Shape{640, 2048}}}),
            "this is a ControlNet for SDXL, WANTED is wanted; its place is the folder controlnet"},
        Foreign{"Flux",
                file_of({{"model.diffusion_model.double_blocks.0.img_attn.qkv.weight",
                          Shape{9216, 3072}}}),
                "this is a FLUX model, WANTED is wanted"},
        Foreign{"Unknown", file_of({{"model.diffusion_model.layers.0.weight", Shape{8, 8}}}),
                "this is a diffusion model of an unknown kind, WANTED is wanted"},
        Foreign{"Embedding", file_of({{"clip_g", Shape{2, 1280}}, {"clip_l", Shape{2, 768}}}),
                "this is a textual inversion embedding for SDXL, WANTED is wanted; its place is "
                "the folder embeddings"},
        Foreign{"Upscaler", file_of({{"conv_first.weight", Shape{64, 3, 3, 3}}}),
                "this is an upscaler, WANTED is wanted; its place is the folder upscale_models"},
        Foreign{"Empty", {}, "WANTED is wanted, found a file of no tensors"}),
    [](const auto& test) { return std::string(test.param.what); });

}  // namespace
}  // namespace obscura::checkpoint
