#include "checkpoint/family.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "checkpoint/kinds/text_encoder.h"
#include "checkpoint/kinds/vae.h"

namespace obscura::checkpoint {
namespace {

std::string family_with(std::initializer_list<const NetworkKind*> kinds) {
  const Family* family = family_of_encoders({kinds.begin(), kinds.size()});
  return family == nullptr ? "none" : std::string(family->name);
}

TEST(Family, IsToldByItsEncoders) {
  EXPECT_EQ(family_with({&kClipG, &kClipL}), "SDXL base");
  EXPECT_EQ(family_with({&kClipG}), "SDXL refiner");
  EXPECT_EQ(family_with({&kClipH}), "Stable Diffusion 2");
  EXPECT_EQ(family_with({&kClipL}), "Stable Diffusion 1");
  EXPECT_EQ(family_with({&kVae}), "none");
}

TEST(Family, IsToldByItsUNet) {
  auto of = [](UNetTraits unet) {
    const Family* family = family_of(unet);
    return family == nullptr ? "none" : std::string(family->name);
  };
  EXPECT_EQ(of({2048, 2816, false, 4}), "SDXL base");
  EXPECT_EQ(of({1280, 2560, false, 4}), "SDXL refiner");
  EXPECT_EQ(of({1024, 0, false, 4}), "Stable Diffusion 2");
  EXPECT_EQ(of({768, 0, true, 4}), "Stable Diffusion 1");
  EXPECT_EQ(of({2048, 100, false, 4}), "none");
  EXPECT_EQ(of({0, 0, false, 4}), "none");
  EXPECT_EQ(of({768, 0, true, 8}), "none");
}

// No U-Net is of two families, and no adapter's width is.
TEST(Family, SharesNothingThatTellsIt) {
  std::set<std::string_view> names;
  std::set<std::int64_t> contexts;
  for (const Family& family : families()) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    EXPECT_TRUE(contexts.insert(family.context).second) << family.name;
    EXPECT_EQ(family_of_context(family.context), family.made_for);
    EXPECT_FALSE(family.encoders.empty()) << family.name;
    EXPECT_FALSE(family.tiny_vae.empty()) << family.name;
    EXPECT_EQ(family.latents.grey.size(), family.latents.channels) << family.name;
  }
  for (UNetTraits unet : {UNetTraits{2048, 2816, false, 4}, UNetTraits{1280, 2560, false, 4},
                          UNetTraits{1024, 0, false, 4}, UNetTraits{768, 0, true, 4}}) {
    int owners = 0;
    for (const Family& family : families())
      owners += family.latents.channels == unet.latent_channels && family.owns(unet) ? 1 : 0;
    EXPECT_EQ(owners, 1) << unet.context;
  }
}

}  // namespace
}  // namespace obscura::checkpoint
