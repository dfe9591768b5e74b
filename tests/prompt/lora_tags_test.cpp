#include "prompt/lora_tags.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace obscura::prompt {
namespace {

std::vector<LoraTag> tags_of(std::string_view text) {
  std::vector<LoraTag> tags;
  without_tags(text, tags);
  return tags;
}

TEST(LoraTags, AreTakenOutOfTheText) {
  std::vector<LoraTag> tags = {{"before", 1, 1}};
  EXPECT_EQ(without_tags("a <lora:shiny:0.5>ring<lora:old>", tags), "a ring");
  EXPECT_EQ(tags, (std::vector<LoraTag>{{"before", 1, 1}, {"shiny", 0.5, 0.5}, {"old", 1, 1}}));
}

TEST(LoraTags, MayHaveStrengthsOfTheirOwnForTextAndUNet) {
  EXPECT_EQ(tags_of("<lora:a:0.8:0.5>"), (std::vector<LoraTag>{{"a", 0.8, 0.5}}));
  EXPECT_EQ(tags_of("<lora:a:te=0.2:unet=0.9>"), (std::vector<LoraTag>{{"a", 0.2, 0.9}}));
  EXPECT_EQ(tags_of("<lora:a:unet=0.9>"), (std::vector<LoraTag>{{"a", 1, 0.9}}));
  EXPECT_EQ(tags_of("<lora:a:-1>"), (std::vector<LoraTag>{{"a", -1, -1}}));
  EXPECT_EQ(tags_of("<lora: a : 0.8 >"), (std::vector<LoraTag>{{"a", 0.8, 0.8}}));
}

TEST(LoraTags, PassOverWhatIsNoNumber) {
  EXPECT_EQ(tags_of("<lora:a:strong>"), (std::vector<LoraTag>{{"a", 1, 1}}));
  EXPECT_EQ(tags_of("<lora:a:0.5:lbw=x>"), (std::vector<LoraTag>{{"a", 0.5, 0.5}}));
}

TEST(LoraTags, WithoutAnEndStayInTheText) {
  std::vector<LoraTag> tags;
  EXPECT_EQ(without_tags("a <lora:b:1", tags), "a <lora:b:1");
  EXPECT_EQ(without_tags("<lyco:b> <hypernet:c:1>", tags), "<lyco:b> <hypernet:c:1>");
  EXPECT_TRUE(tags.empty());
}

}  // namespace
}  // namespace obscura::prompt
