// The same networks under the names of other programs, alone and together.
#include <gtest/gtest.h>

#include <algorithm>

#include "checkpoint/diffusers_names.h"
#include "checkpoint/diffusers_vae.h"
#include "checkpoint/kinds/text_encoder.h"
#include "checkpoint/recognise.h"
#include "models/key_list.h"
#include "models/vae/vae.h"

namespace obscura::checkpoint {
namespace {

using models::read_key_list;
using Entries = std::vector<io::TensorEntry>;

// The tensors of a list that begin with a prefix, under another.
Entries moved(const char* list, const std::string& from, const std::string& to) {
  Entries entries;
  for (io::TensorEntry& entry : read_key_list(list)) {
    if (!entry.name.starts_with(from)) continue;
    entry.name = to + entry.name.substr(from.size());
    entries.push_back(entry);
  }
  return entries;
}

TEST(Naming, KnowsAUNetAlone) {
  struct Case {
    const char* list;
    const char* title;
    std::size_t tensors;
  };
  for (Case c : {Case{"sdxl_base_keys.tsv", "U-Net of SDXL base", 1680},
                 Case{"sdxl_refiner_keys.tsv", "U-Net of SDXL refiner", 1220},
                 Case{"sd15_keys.tsv", "U-Net of Stable Diffusion 1", 686},
                 Case{"sd21_keys.tsv", "U-Net of Stable Diffusion 2", 686}}) {
    for (const char* prefix : {"", "diffusion_model.", "model.diffusion_model."}) {
      Entries entries = moved(c.list, "model.diffusion_model.", prefix);
      auto layout = recognise(entries, {});
      ASSERT_TRUE(layout.ok()) << layout.error().message();
      EXPECT_EQ(layout->title(), c.title);
      EXPECT_EQ(layout->tensors.used.size(), c.tensors);
      EXPECT_TRUE(layout->tensors.unknown.empty());
    }
  }
}

TEST(Naming, KnowsAVaeAlone) {
  Entries entries = moved("sd15_keys.tsv", "first_stage_model.", "");
  auto layout = recognise(entries, {});
  ASSERT_TRUE(layout.ok()) << layout.error().message();
  EXPECT_EQ(layout->title(), "VAE");
  EXPECT_EQ(layout->tensors.used.size(), 248u);
}

TEST(Naming, KnowsATextEncoderAloneByItsSize) {
  struct Case {
    const char* list;
    const char* prefix;
    const char* title;
  };
  for (Case c :
       {Case{"sd15_keys.tsv", "cond_stage_model.transformer.", "text encoder clip_l"},
        Case{"sd21_keys.tsv", "cond_stage_model.model.", "text encoder clip_h"},
        Case{"sdxl_refiner_keys.tsv", "conditioner.embedders.0.model.", "text encoder clip_g"}}) {
    Entries entries = moved(c.list, c.prefix, "");
    auto layout = recognise(entries, {});
    ASSERT_TRUE(layout.ok()) << layout.error().message();
    EXPECT_EQ(layout->title(), c.title);
    EXPECT_TRUE(layout->tensors.unknown.empty()) << layout->tensors.unknown[0]->name;
  }
}

TEST(Naming, KnowsClipLWithoutItsOuterName) {
  Entries entries = read_key_list("sd15_keys.tsv");
  for (io::TensorEntry& entry : entries) entry.name = replaced(entry.name, "text_model.", "");
  auto layout = recognise(entries, {});
  ASSERT_TRUE(layout.ok()) << layout.error().message();
  EXPECT_EQ(layout->title(), "Stable Diffusion 1");
  EXPECT_TRUE(layout->tensors.unknown.empty()) << layout->tensors.unknown[0]->name;
}

// As diffusers 0.30 lists them, copied from its documentation and files.
TEST(Naming, TurnsDiffusersVaeIntoLdms) {
  Entries published = {{"decoder.up_blocks.0.resnets.0.norm1.weight", DType::kF16, Shape{512}, {}},
                       {"decoder.up_blocks.1.resnets.0.norm1.weight", DType::kF16, Shape{512}, {}},
                       {"decoder.up_blocks.2.resnets.0.norm1.weight", DType::kF16, Shape{512}, {}},
                       {"decoder.up_blocks.3.resnets.0.norm1.weight", DType::kF16, Shape{256}, {}}};
  TensorNames names(published);
  Rename rename = ldm_vae_names(names, "");
  const std::pair<const char*, const char*> kPairs[] = {
      {"encoder.conv_in.weight", "encoder.conv_in.weight"},
      {"encoder.conv_norm_out.bias", "encoder.norm_out.bias"},
      {"encoder.conv_out.weight", "encoder.conv_out.weight"},
      {"encoder.down_blocks.0.resnets.1.conv2.weight", "encoder.down.0.block.1.conv2.weight"},
      {"encoder.down_blocks.1.resnets.0.conv_shortcut.weight",
       "encoder.down.1.block.0.nin_shortcut.weight"},
      {"encoder.down_blocks.2.downsamplers.0.conv.bias", "encoder.down.2.downsample.conv.bias"},
      {"encoder.mid_block.resnets.1.norm2.weight", "encoder.mid.block_2.norm2.weight"},
      {"encoder.mid_block.attentions.0.group_norm.weight", "encoder.mid.attn_1.norm.weight"},
      {"encoder.mid_block.attentions.0.to_q.weight", "encoder.mid.attn_1.q.weight"},
      {"encoder.mid_block.attentions.0.to_out.0.bias", "encoder.mid.attn_1.proj_out.bias"},
      {"decoder.mid_block.attentions.0.query.weight", "decoder.mid.attn_1.q.weight"},
      {"decoder.mid_block.attentions.0.proj_attn.weight", "decoder.mid.attn_1.proj_out.weight"},
      {"decoder.up_blocks.0.resnets.2.conv1.weight", "decoder.up.3.block.2.conv1.weight"},
      {"decoder.up_blocks.3.resnets.0.norm1.weight", "decoder.up.0.block.0.norm1.weight"},
      {"decoder.up_blocks.1.upsamplers.0.conv.weight", "decoder.up.2.upsample.conv.weight"},
      {"quant_conv.weight", "quant_conv.weight"},
      {"post_quant_conv.bias", "post_quant_conv.bias"},
      {"loss.discriminator.main.0.weight", ""},
      {"encoder.down_blocks.x.resnets.0.conv1.weight", ""},
      {"encoder.down_blocks.99999999999.resnets.0.conv1.weight", ""},
      {"encoder.mid_block.resnets.", ""},
  };
  for (auto [diffusers, ldm] : kPairs) EXPECT_EQ(rename(diffusers), ldm) << diffusers;
}

// With attention as linear layers, as diffusers stores it.
TEST(Naming, ReadsEveryTensorOfDiffusersVae) {
  Entries entries = moved("sdxl_base_keys.tsv", "first_stage_model.", "");
  for (io::TensorEntry& entry : entries) {
    entry.name = diffusers_vae_name(entry.name);
    if (entry.name.find(".attentions.0.to_") != std::string::npos && entry.shape.rank() == 4)
      entry.shape = Shape{entry.shape[0], entry.shape[1]};
  }
  auto layout = recognise(entries, {});
  ASSERT_TRUE(layout.ok()) << layout.error().message();
  EXPECT_EQ(layout->title(), "VAE");
  EXPECT_EQ(layout->tensors.used.size(), 248u);
  EXPECT_TRUE(layout->tensors.unknown.empty()) << layout->tensors.unknown[0]->name;
}

// diffusers drops Stable Diffusion 2's last text layer; "-2" then means the last that is left.
TEST(Naming, CountsTheLayerThatDiffusersDropped) {
  Entries entries = moved("sd21_keys.tsv", "cond_stage_model.model.", "");
  std::erase_if(entries, [](const io::TensorEntry& entry) {
    return entry.name.starts_with("transformer.resblocks.23.");
  });
  auto layout = recognise(entries, {});
  ASSERT_TRUE(layout.ok()) << layout.error().message();
  EXPECT_EQ(layout->title(), "text encoder clip_h");
  EXPECT_EQ(layout->text_encoder_config(kClipH).dropped_layers, 1);
  const Component& encoder = *layout->component(kClipH);
  auto graph = models::build_text_encoder(encoder, layout->text_encoder_config(kClipH),
                                          {.stop_at_layer = -2});
  ASSERT_TRUE(graph.ok());
  bool last = false;
  for (const ir::Value& value : graph->values)
    last |= value.weight && value.weight->parts[0].starts_with("transformer.resblocks.22.");
  EXPECT_TRUE(last);
  EXPECT_FALSE(models::build_text_encoder(encoder, layout->text_encoder_config(kClipH),
                                          {.stop_at_layer = -25})
                   .ok());
}

}  // namespace
}  // namespace obscura::checkpoint
