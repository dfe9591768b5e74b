// The table that names LDM's modules as diffusers does, for adapters, and the one that reads
// diffusers' files were written apart: each must undo the other.
#include <gtest/gtest.h>

#include "adapter/module_table.h"
#include "checkpoint/kinds/unet.h"
#include "checkpoint/recognise.h"
#include "models/key_list.h"

namespace obscura::adapter {
namespace {

struct Published {
  const char* list;
  const char* title;
};

class DiffusersUNets : public testing::TestWithParam<Published> {};

TEST_P(DiffusersUNets, AreReadTensorByTensor) {
  constexpr std::int64_t kStride = 3;
  const std::string prefix = "model.diffusion_model.";
  std::vector<io::TensorEntry> entries;
  std::vector<std::string> ldm;
  for (io::TensorEntry& entry : models::read_key_list(GetParam().list)) {
    if (!entry.name.starts_with(prefix)) continue;
    std::string name = entry.name.substr(prefix.size());
    std::size_t leaf = name.rfind('.');
    std::string diffusers = diffusers_name(name.substr(0, leaf), kStride);
    ASSERT_FALSE(diffusers.empty()) << name;
    ldm.push_back(name);
    entry.name = diffusers + name.substr(leaf);
    entries.push_back(std::move(entry));
  }
  for (const char* place : {"", "unet."}) {
    std::vector<io::TensorEntry> placed = entries;
    for (io::TensorEntry& entry : placed) entry.name.insert(0, place);
    auto layout = checkpoint::recognise(placed, {});
    ASSERT_TRUE(layout.ok()) << layout.error().message();
    EXPECT_EQ(layout->title(), GetParam().title);
    EXPECT_EQ(layout->tensors.used.size(), entries.size());
    EXPECT_TRUE(layout->tensors.unknown.empty());
    const auto* unet = layout->component(checkpoint::kUNet);
    for (std::size_t i = 0; i < ldm.size(); ++i)
      EXPECT_EQ(unet->entry(ldm[i]), &placed[i]) << placed[i].name;
  }
}

INSTANTIATE_TEST_SUITE_P(Adapter, DiffusersUNets,
                         testing::Values(Published{"sdxl_base_keys.tsv", "U-Net of SDXL base"},
                                         Published{"sdxl_refiner_keys.tsv",
                                                   "U-Net of SDXL refiner"},
                                         Published{"sd15_keys.tsv", "U-Net of Stable Diffusion 1"},
                                         Published{"sd21_keys.tsv", "U-Net of Stable Diffusion 2"}),
                         [](const auto& test) {
                           std::string list = test.param.list;
                           return list.substr(0, list.find("_keys"));
                         });

}  // namespace
}  // namespace obscura::adapter
