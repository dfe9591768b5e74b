// Adapters for other models: refused, and by the name of what they are for. And those of Stable
// Diffusion 1 on their own model, with its own module names.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "adapter/adapter_samples.h"
#include "models/key_list.h"

namespace obscura::adapter {
namespace {

// A family's networks without their elements.
Networks family(const std::string& list, const std::string& clip_l, const std::string& clip_g) {
  const std::vector<io::TensorEntry> entries = models::read_key_list(list);
  auto network = [&](const std::string& prefix) -> std::shared_ptr<runtime::WeightStore> {
    if (prefix.empty()) return nullptr;
    auto store = std::make_shared<runtime::WeightStore>(prefix, nullptr);
    for (const io::TensorEntry& entry : entries)
      if (entry.name.starts_with(prefix))
        store->add(entry.name.substr(prefix.size()), {entry.dtype, entry.shape, {}});
    return store;
  };
  return {network("model.diffusion_model."), network(clip_l), network(clip_g)};
}

const Networks& stable_diffusion_xl() {
  static const Networks kNetworks =
      family("sdxl_base_keys.tsv", "conditioner.embedders.0.transformer.",
             "conditioner.embedders.1.model.");
  return kNetworks;
}
const Networks& stable_diffusion_1() {
  static const Networks kNetworks = family("sd15_keys.tsv", "cond_stage_model.transformer.", "");
  return kNetworks;
}

// A LoRA of rank 1 for each of these modules.
struct AdaptedModule {
  std::string stem;
  std::int64_t out, in;
};
SampleTensors rank_one(const std::vector<AdaptedModule>& modules,
                       const char* up = ".lora_up.weight", const char* down = ".lora_down.weight") {
  SampleTensors tensors;
  for (const AdaptedModule& module : modules) {
    tensors[module.stem + up] = {Shape{module.out, 1},
                                 std::vector<float>(static_cast<std::size_t>(module.out))};
    tensors[module.stem + down] = {Shape{1, module.in},
                                   std::vector<float>(static_cast<std::size_t>(module.in))};
  }
  return tensors;
}

std::string refusal(const SampleTensors& tensors, const Networks& networks) {
  const Sample sample(tensors);
  auto result = adapt(sample.file, networks, {});
  if (result.ok()) return "accepted";
  EXPECT_EQ(result.error().kind(), ErrorKind::kInvalidInput);
  return result.error().message();
}

struct Foreign {
  const char* what;
  std::vector<AdaptedModule> modules;
  const char* named;
};
void PrintTo(const Foreign& foreign, std::ostream* out) {
  *out << foreign.what;
}

class ForeignAdapters : public testing::TestWithParam<Foreign> {};

TEST_P(ForeignAdapters, AreRefusedByName) {
  for (const auto& [up, down] : {std::pair(".lora_up.weight", ".lora_down.weight"),
                                 std::pair(".lora_B.weight", ".lora_A.weight")}) {
    for (const Networks& networks : {stable_diffusion_xl(), stable_diffusion_1()}) {
      const std::string message = refusal(rank_one(GetParam().modules, up, down), networks);
      EXPECT_NE(message.find("sample"), std::string::npos) << message;
      EXPECT_NE(message.find(GetParam().named), std::string::npos) << message;
    }
  }
}

// Names as the trainers of each model write them.
INSTANTIATE_TEST_SUITE_P(
    All, ForeignAdapters,
    testing::Values(Foreign{"FLUX of sd-scripts",
                            {{"lora_unet_double_blocks_0_img_attn_proj", 3072, 3072},
                             {"lora_unet_single_blocks_0_linear1", 21504, 3072}},
                            "FLUX"},
                    Foreign{"FLUX of diffusers",
                            {{"transformer.single_transformer_blocks.0.attn.to_q", 3072, 3072},
                             {"transformer.transformer_blocks.0.attn.to_q", 3072, 3072}},
                            "FLUX"},
                    Foreign{
                        "FLUX of OneTrainer",
                        {{"lora_transformer_single_transformer_blocks_0_attn_to_q", 3072, 3072}},
                        "FLUX"},
                    Foreign{"Stable Diffusion 3 of sd-scripts",
                            {{"lora_unet_joint_blocks_0_context_block_attn_qkv", 4608, 1536}},
                            "Stable Diffusion 3"},
                    Foreign{"Stable Diffusion 3 of diffusers",
                            {{"transformer.transformer_blocks.0.attn.add_q_proj", 1536, 1536}},
                            "Stable Diffusion 3"},
                    Foreign{"Stable Diffusion 3 of OneTrainer",
                            {{"lora_transformer_transformer_blocks_0_attn_add_q_proj", 1536, 1536}},
                            "Stable Diffusion 3"},
                    Foreign{"a video model",
                            {{"diffusion_model.blocks.0.cross_attn.q", 1536, 1536}},
                            "video transformer"},
                    Foreign{"another transformer of OneTrainer",
                            {{"lora_transformer_transformer_blocks_0_attn1_to_q", 1152, 1152}},
                            "diffusion transformer"},
                    Foreign{"Stable Cascade",
                            {{"lora_prior_unet_down_blocks_0_0_attention_attn_to_q", 2048, 2048}},
                            "Stable Cascade"}));

// The modules of a family's U-Net that attend to the prompt, in diffusers' names: each family has
// blocks that another lacks, and the same blocks of another width.
std::vector<AdaptedModule> attention_to(std::int64_t context, bool xl) {
  std::vector<AdaptedModule> modules;
  const std::int64_t widths[] = {320, 640, 1280};
  for (int block = xl ? 1 : 0; block < 3; ++block)
    modules.push_back({"lora_unet_down_blocks_" + std::to_string(block) +
                           "_attentions_0_transformer_blocks_0_attn2_to_k",
                       widths[block], context});
  return modules;
}

TEST(ForeignFamilies, AreToldByTheWidthOfTheirContext) {
  struct Family {
    const char* name;
    std::int64_t context;
    bool xl;
  };
  for (const Family& family :
       {Family{"Stable Diffusion 1", 768, false}, Family{"Stable Diffusion 2", 1024, false}}) {
    const std::string message =
        refusal(rank_one(attention_to(family.context, family.xl)), stable_diffusion_xl());
    EXPECT_NE(message.find(family.name), std::string::npos) << message;
  }
  const std::string message = refusal(rank_one(attention_to(2048, true)), stable_diffusion_1());
  EXPECT_NE(message.find("SDXL"), std::string::npos) << message;
}

TEST(StableDiffusion1, TakesItsOwnLoras) {
  std::vector<AdaptedModule> modules = attention_to(768, false);
  for (int layer = 0; layer < 12; ++layer)
    for (const char* leaf : {"self_attn_q_proj", "self_attn_out_proj"})
      modules.push_back(
          {"lora_te_text_model_encoder_layers_" + std::to_string(layer) + "_" + leaf, 768, 768});
  SampleTensors tensors = rank_one(modules);
  // Its transformers begin with a convolution of one pixel.
  tensors["lora_unet_mid_block_attentions_0_proj_in.lora_up.weight"] = {Shape{1280, 1, 1, 1},
                                                                        std::vector<float>(1280)};
  tensors["lora_unet_mid_block_attentions_0_proj_in.lora_down.weight"] = {Shape{1, 1280, 1, 1},
                                                                          std::vector<float>(1280)};
  const Sample sample(tensors);
  auto result = adapt(sample.file, stable_diffusion_1(), {});
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_TRUE(result->unmatched.empty()) << result->unmatched.front();
  EXPECT_EQ(result->unet_modules, 4);
  EXPECT_EQ(result->text_modules, 24);
}

}  // namespace
}  // namespace obscura::adapter
