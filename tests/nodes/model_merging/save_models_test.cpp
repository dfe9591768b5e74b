// Models that nodes write: what is in the files, and what they say of themselves.
#include <gtest/gtest.h>

#include <cmath>

#include "adapter/adapted_weights.h"
#include "adapter/adapter_file.h"
#include "checkpoint/kinds/text_encoder.h"
#include "golden_data.h"
#include "io/test_folder.h"
#include "library/output_folder.h"
#include "nodes/workflow_run.h"
#include "pipeline/model.h"

namespace obscura::nodes {
namespace {

using nlohmann::ordered_json;

constexpr const char* kTensor = "input_blocks.4.1.transformer_blocks.0.attn1.to_q.weight";

// Finds the golden LoRA, which was trained, under this name.
constexpr const char* kLora = "golden.safetensors";

struct LoraFolder : io::TestFolder {
  LoraFolder() {
    std::filesystem::create_directories(path() / "loras");
    std::filesystem::copy_file(golden::path("golden_lora.safetensors"), path() / "loras" / kLora);
  }
};

WorkflowRunner& model_runner() {
  static const LoraFolder kFolder;
  static WorkflowRunner runner;
  static const bool kAdded = [] {
    runner.models().add_root(kFolder.path());
    return true;
  }();
  (void)kAdded;
  return runner;
}

// The pocket model as node 1, with the LoRA on it as node 2.
ordered_json with_lora() {
  ordered_json workflow;
  workflow["1"] = {{"class_type", "CheckpointLoaderSimple"},
                   {"inputs", {{"ckpt_name", "pocket-xl-base.safetensors"}}}};
  workflow["2"] = {{"class_type", "LoraLoader"},
                   {"inputs",
                    {{"model", {"1", 0}},
                     {"clip", {"1", 1}},
                     {"lora_name", kLora},
                     {"strength_model", 0.8},
                     {"strength_clip", 0.8}}}};
  return workflow;
}

// Runs the workflow; what it saved lies in the folder.
void save_into(const io::TestFolder& folder, const ordered_json& workflow) {
  library::OutputFolder sink({.root = folder.path(), .temporary = folder.path()});
  Status saved = model_runner().run_into(workflow.dump(), sink);
  ASSERT_TRUE(saved.ok()) << saved.error().message();
}

std::shared_ptr<const pipeline::ModelFile> pocket_file() {
  return pipeline::ModelFile::embedded(checkpoint::pocket_model(), "pocket", std::string(64, '0'))
      .value();
}

std::vector<float> elements(const std::shared_ptr<runtime::WeightStore>& store) {
  const Shape& shape = *store->find(kTensor);
  std::vector<float> values(static_cast<std::size_t>(shape.elements()));
  EXPECT_TRUE(store->read({{kTensor}, shape}, values.data()).ok());
  return values;
}

std::shared_ptr<runtime::WeightStore> adapted(const std::filesystem::path& lora, double strength) {
  auto file = adapter::AdapterFile::open(lora, "lora", "lora").value();
  auto base = pipeline::load_model(pocket_file()).value()->weights;
  auto result = adapter::adapt(file, {base, nullptr, nullptr}, {.unet = strength, .text = 0});
  EXPECT_TRUE(result.ok()) << result.error().message();
  EXPECT_TRUE(result->unmatched.empty()) << result->unmatched.front();
  return result->networks.unet;
}

// |a - b| / |b - base|: 0 if the LoRA does what it should, 1 if it does nothing.
double missed(const std::vector<float>& found, const std::vector<float>& wanted) {
  const std::vector<float> base = elements(pipeline::load_model(pocket_file()).value()->weights);
  double error = 0, size = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    error += std::pow(double{found[i]} - double{wanted[i]}, 2);
    size += std::pow(double{wanted[i]} - double{base[i]}, 2);
  }
  return std::sqrt(error / size);
}

TEST(CheckpointSave, WritesWhatTheLoraMadeOfTheModel) {
  io::TestFolder folder;
  ordered_json workflow = with_lora();
  workflow["3"] = {{"class_type", "CheckpointSave"},
                   {"inputs",
                    {{"model", {"2", 0}},
                     {"clip", {"2", 1}},
                     {"vae", {"1", 2}},
                     {"filename_prefix", "checkpoints/night"}}}};
  save_into(folder, workflow);
  auto file = pipeline::ModelFile::open(folder / "checkpoints/night_00001_.safetensors", "night");
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ((*file)->layout().title(), "SDXL base");
  EXPECT_TRUE((*file)->layout().tensors.unknown.empty());
  const auto& metadata = (*file)->file().metadata();
  EXPECT_EQ(metadata.find("modelspec.architecture")->second, "stable-diffusion-xl-v1-base");
  EXPECT_EQ(metadata.find("modelspec.title")->second, "checkpoints/night");
  EXPECT_EQ(metadata.find("modelspec.predict_key")->second, "epsilon");
  EXPECT_NE(metadata.find("prompt")->second.find("CheckpointSave"), std::string::npos);
  EXPECT_LT(missed(elements(pipeline::load_model(*file).value()->weights),
                   elements(adapted(golden::path("golden_lora.safetensors"), 0.8))),
            0.02)
      << "to what float16 holds";
}

TEST(ModelSave, AndItsLikeWriteNetworksAlone) {
  io::TestFolder folder;
  ordered_json workflow = with_lora();
  workflow["3"] = {{"class_type", "ModelSave"},
                   {"inputs", {{"model", {"2", 0}}, {"filename_prefix", "unet"}}}};
  workflow["4"] = {{"class_type", "CLIPSave"},
                   {"inputs", {{"clip", {"2", 1}}, {"filename_prefix", "clip"}}}};
  workflow["5"] = {{"class_type", "VAESave"},
                   {"inputs", {{"vae", {"1", 2}}, {"filename_prefix", "vae"}}}};
  save_into(folder, workflow);
  for (const auto& [name, title] :
       {std::pair("unet", "U-Net of SDXL base"), std::pair("vae", "VAE")}) {
    auto file =
        pipeline::ModelFile::open(folder / (std::string(name) + "_00001_.safetensors"), name);
    ASSERT_TRUE(file.ok()) << file.error().message();
    EXPECT_EQ((*file)->layout().title(), title);
  }
  auto clip = pipeline::ModelFile::open(folder / "clip_00001_.safetensors", "clip");
  ASSERT_TRUE(clip.ok()) << clip.error().message();
  EXPECT_TRUE((*clip)->layout().has(checkpoint::kClipL));
  EXPECT_TRUE((*clip)->layout().has(checkpoint::kClipG));
}

// The difference that a LoRA made, taken from the models, is that LoRA again.
TEST(LoraSave, FindsTheLoraInTheDifference) {
  for (const auto& [kind, tolerance] : {std::pair("full_diff", 0.01), std::pair("standard", 0.2)}) {
    io::TestFolder folder;
    ordered_json workflow = with_lora();
    workflow["3"] = {{"class_type", "ModelMergeSubtract"},
                     {"inputs", {{"model1", {"2", 0}}, {"model2", {"1", 0}}, {"multiplier", 1.0}}}};
    workflow["4"] = {{"class_type", "LoraSave"},
                     {"inputs",
                      {{"filename_prefix", "found"},
                       {"rank", 8},
                       {"lora_type", kind},
                       {"bias_diff", false},
                       {"model_diff", {"3", 0}}}}};
    save_into(folder, workflow);
    const std::filesystem::path path = folder / "found_00001_.safetensors";
    auto file = io::SafetensorsFile::open(path).value();
    EXPECT_EQ(file.metadata().find("modelspec.architecture")->second,
              "stable-diffusion-xl-v1-base/lora");
    EXPECT_LT(missed(elements(adapted(path, 1)),
                     elements(adapted(golden::path("golden_lora.safetensors"), 0.8))),
              tolerance)
        << kind;
  }
}

TEST(LoraSave, SaysWhatItWants) {
  ordered_json workflow;
  workflow["1"] = {{"class_type", "LoraSave"},
                   {"inputs",
                    {{"filename_prefix", "found"},
                     {"rank", 8},
                     {"lora_type", "standard"},
                     {"bias_diff", false}}}};
  io::TestFolder folder;
  library::OutputFolder sink({.root = folder.path(), .temporary = folder.path()});
  Status saved = model_runner().run_into(workflow.dump(), sink);
  ASSERT_FALSE(saved.ok());
  EXPECT_NE(saved.error().message().find("no difference"), std::string::npos)
      << saved.error().message();
}

}  // namespace
}  // namespace obscura::nodes
