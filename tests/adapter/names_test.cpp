// Every naming scheme for every module of SDXL, made from the list of its tensors.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "adapter/adapter_samples.h"
#include "adapter/module_table.h"
#include "models/key_list.h"

namespace obscura::adapter {
namespace {

// A network of SDXL without its elements.
std::shared_ptr<runtime::WeightStore> network(const std::string& prefix) {
  static const std::vector<io::TensorEntry> kEntries = models::read_key_list("sdxl_base_keys.tsv");
  auto store = std::make_shared<runtime::WeightStore>(prefix, nullptr);
  for (const io::TensorEntry& entry : kEntries)
    if (entry.name.starts_with(prefix))
      store->add(entry.name.substr(prefix.size()), {entry.dtype, entry.shape, {}});
  return store;
}

const Networks& sdxl() {
  static const Networks kNetworks{network("model.diffusion_model."),
                                  network("conditioner.embedders.0.transformer."),
                                  network("conditioner.embedders.1.model.")};
  return kNetworks;
}

const ModuleTable& table() {
  static const ModuleTable kTable(sdxl());
  return kTable;
}

std::string underscored(std::string name) {
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

// The modules that sd-scripts adapts: Linears and convolutions inside the blocks, in its own names.
std::vector<std::string> unet_modules(bool convolutions) {
  std::vector<std::string> names;
  for (const auto& [tensor, stored] : sdxl().unet->tensors()) {
    bool inside = tensor.starts_with("input_blocks") || tensor.starts_with("middle_block") ||
                  tensor.starts_with("output_blocks");
    bool transformer = tensor.find(".transformer_blocks.") != std::string::npos ||
                       tensor.find(".proj_") != std::string::npos;
    if (!tensor.ends_with(".weight") || !inside || tensor == "input_blocks.0.0.weight") continue;
    if (stored.shape.rank() >= 2 && (transformer || convolutions))
      names.push_back(tensor.substr(0, tensor.size() - 7));
  }
  return names;
}

std::vector<std::string> text_modules(int layers) {
  std::vector<std::string> names;
  for (int layer = 0; layer < layers; ++layer)
    for (const char* leaf : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                             "self_attn.out_proj", "mlp.fc1", "mlp.fc2"})
      names.push_back("text_model.encoder.layers." + std::to_string(layer) + "." + leaf);
  return names;
}

// Modules, each once, that the stems stand for.
std::set<std::string> found(const std::vector<std::string>& names,
                            const std::function<std::string(const std::string&)>& stem,
                            const ModuleTable& in = table()) {
  std::set<std::string> result;
  for (const std::string& name : names) {
    StemMatch match = in.find(stem(name));
    EXPECT_NE(match.module, nullptr) << stem(name);
    if (match.module != nullptr) result.insert(match.module->name);
  }
  return result;
}

TEST(Names, AllSchemesMeetAllModulesOfTheUNet) {
  for (bool convolutions : {false, true}) {
    std::vector<std::string> names = unet_modules(convolutions);
    ASSERT_EQ(names.size(), convolutions ? 788u : 722u);
    std::set<std::string> wanted(names.begin(), names.end());
    auto diffusers = [](const std::string& name) { return diffusers_name(name, 3); };
    for (const char* prefix : {"lora_unet_", "lycoris_unet_", "lycoris_", "oft_unet_"}) {
      EXPECT_EQ(found(names, [&](auto& n) { return prefix + underscored(n); }), wanted) << prefix;
      EXPECT_EQ(found(names, [&](auto& n) { return prefix + underscored(diffusers(n)); }), wanted)
          << prefix;
    }
    for (const char* prefix : {"unet.", "base_model.model.", ""})
      EXPECT_EQ(found(names, [&](auto& n) { return prefix + diffusers(n); }), wanted) << prefix;
    for (const char* prefix : {"diffusion_model.", "model.diffusion_model.", ""})
      EXPECT_EQ(found(names, [&](auto& n) { return prefix + n; }), wanted) << prefix;
  }
}

// Written out, not made by the function under test.
TEST(Names, DiffusersNames) {
  constexpr std::pair<const char*, const char*> kNames[] = {
      {"input_blocks.0.0", "conv_in"},
      {"input_blocks.1.0.in_layers.2", "down_blocks.0.resnets.0.conv1"},
      {"input_blocks.2.0.out_layers.3", "down_blocks.0.resnets.1.conv2"},
      {"input_blocks.3.0.op", "down_blocks.0.downsamplers.0.conv"},
      {"input_blocks.4.0.skip_connection", "down_blocks.1.resnets.0.conv_shortcut"},
      {"input_blocks.4.1.proj_in", "down_blocks.1.attentions.0.proj_in"},
      {"input_blocks.8.1.transformer_blocks.9.attn2.to_out.0",
       "down_blocks.2.attentions.1.transformer_blocks.9.attn2.to_out.0"},
      {"middle_block.0.emb_layers.1", "mid_block.resnets.0.time_emb_proj"},
      {"middle_block.1.proj_out", "mid_block.attentions.0.proj_out"},
      {"middle_block.2.in_layers.0", "mid_block.resnets.1.norm1"},
      {"output_blocks.2.2.conv", "up_blocks.0.upsamplers.0.conv"},
      {"output_blocks.3.1.transformer_blocks.1.ff.net.0.proj",
       "up_blocks.1.attentions.0.transformer_blocks.1.ff.net.0.proj"},
      {"output_blocks.8.0.out_layers.0", "up_blocks.2.resnets.2.norm2"},
      {"out.2", "conv_out"},
      {"time_embed.2", "time_embedding.linear_2"},
      {"label_emb.0.0", "add_embedding.linear_1"},
  };
  for (auto [ldm, diffusers] : kNames) {
    EXPECT_EQ(diffusers_name(ldm, 3), diffusers);
    ASSERT_NE(table().find(std::string("unet.") + diffusers).module, nullptr) << diffusers;
    EXPECT_EQ(table().find(std::string("unet.") + diffusers).module->name, ldm);
    EXPECT_TRUE(table().find(std::string("unet.") + diffusers).in_diffusers_names);
  }
}

TEST(Names, AllSchemesMeetAllModulesOfTheTextEncoders) {
  struct Encoder {
    int layers;
    std::vector<std::string> underscored, dotted;
  };
  for (const Encoder& encoder :
       {Encoder{12,
                {"lora_te1_", "lora_te_", "oft_te1_", "lycoris_te1_"},
                {"text_encoder.", "text_encoders.clip_l.transformer."}},
        Encoder{32,
                {"lora_te2_", "oft_te2_", "lycoris_te2_"},
                {"text_encoder_2.", "text_encoders.clip_g.transformer."}}}) {
    std::vector<std::string> names = text_modules(encoder.layers);
    ASSERT_EQ(names.size(), encoder.layers == 12 ? 72u : 192u);
    for (const std::string& prefix : encoder.underscored)
      EXPECT_EQ(found(names, [&](auto& n) { return prefix + underscored(n); }).size(),
                names.size());
    for (const std::string& prefix : encoder.dotted)
      EXPECT_EQ(found(names, [&](auto& n) { return prefix + n; }).size(), names.size());
  }
}

TEST(Names, ProjectionsOfOpenClipAreRowBlocksOfOneTensor) {
  int part = 0;
  for (const char* leaf : {"q", "k", "v"}) {
    StemMatch match = table().find("lora_te2_text_model_encoder_layers_7_self_attn_" +
                                   std::string(leaf) + "_proj");
    ASSERT_NE(match.module, nullptr);
    EXPECT_EQ(match.module->network, Part::kText2);
    EXPECT_EQ(match.module->weight.tensor, "transformer.resblocks.7.attn.in_proj_weight");
    EXPECT_EQ(match.module->weight.first_row, 1280 * part);
    EXPECT_EQ(match.module->weight.shape, (Shape{1280, 1280}));
    EXPECT_EQ(match.module->bias.tensor, "transformer.resblocks.7.attn.in_proj_bias");
    EXPECT_EQ(match.module->bias.first_row, 1280 * part++);
    EXPECT_EQ(match.module->bias.shape, Shape{1280});
  }
}

TEST(Names, OldAndRareNames) {
  constexpr std::array<const char*, 3> kNames[] = {
      {"unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight",
       "input_blocks.4.1.transformer_blocks.0.attn1.to_q", ""},
      {"mid_block.attentions.0.transformer_blocks.2.attn2.processor.to_out_lora.up.weight",
       "middle_block.1.transformer_blocks.2.attn2.to_out.0", ""},
      {"text_encoder.text_model.encoder.layers.3.self_attn.to_q_lora.down.weight",
       "text_model.encoder.layers.3.self_attn.q_proj", ""},
      {"text_encoder.text_model.encoder.layers.3.self_attn.to_out_lora.down.weight",
       "text_model.encoder.layers.3.self_attn.out_proj", ""},
      {"text_encoder_2.text_model.encoder.layers.3.self_attn.to_v_lora.down.weight",
       "text_model.encoder.layers.3.self_attn.v_proj",
       "transformer.resblocks.3.attn.in_proj_weight"},
      {"lora_te2_text_projection.lora_up.weight", "text_projection", "text_projection"},
      {"lora_te2_text_model_final_layer_norm.w_norm", "ln_final", "ln_final.weight"},
      {"lora_te2_text_model_encoder_layers_3_layer_norm1.w_norm", "transformer.resblocks.3.ln_1",
       "transformer.resblocks.3.ln_1.weight"},
      {"unet.mid_block.attentions.0.proj_in.lora_A.default.weight", "middle_block.1.proj_in", ""},
      {"unet.mid_block.attentions.0.proj_in.lora_magnitude_vector.default",
       "middle_block.1.proj_in", ""},
  };
  for (auto [key, module, tensor] : kNames) {
    auto parsed = parse_key(key);
    ASSERT_TRUE(parsed) << key;
    StemMatch match = table().find(parsed->stem);
    ASSERT_NE(match.module, nullptr) << parsed->stem;
    EXPECT_EQ(match.module->name, module);
    std::string wanted = tensor[0] == '\0' ? std::string(module) + ".weight" : tensor;
    EXPECT_EQ(match.module->weight.tensor, wanted);
  }
  EXPECT_TRUE(table().find("lora_te2_text_projection").module->weight.transposed);
}

TEST(Names, StemsOfAbsentNetworksAreTold) {
  ModuleTable unet_only({sdxl().unet, nullptr, nullptr});
  StemMatch match = unet_only.find("lora_te1_text_model_encoder_layers_0_mlp_fc1");
  EXPECT_EQ(match.module, nullptr);
  EXPECT_TRUE(match.of_absent_network);
  EXPECT_FALSE(unet_only.find("lora_unet_nonsense").of_absent_network);
  EXPECT_EQ(table().find("lora_unet_nonsense").module, nullptr);
}

}  // namespace
}  // namespace obscura::adapter
