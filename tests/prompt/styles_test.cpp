#include "prompt/styles.h"

#include <gtest/gtest.h>

namespace obscura::prompt {
namespace {

TEST(Styles, AreTheNamedRowsBelowTheHeading) {
  const auto styles = parse_styles(
      "name,prompt,negative_prompt\r\n"
      "film,\"grain, {prompt}\",blurry\n"
      ",nameless,\n"
      "short\n");
  ASSERT_EQ(styles.size(), 2u);
  EXPECT_EQ(styles[0].name, "film");
  EXPECT_EQ(styles[0].prompt, "grain, {prompt}");
  EXPECT_EQ(styles[0].negative_prompt, "blurry");
  EXPECT_EQ(styles[1].name, "short");
  EXPECT_EQ(styles[1].prompt, "");
}

TEST(Styles, TakeThePromptInOrStandBehindIt) {
  EXPECT_EQ(with_style("a cup", "photo of {prompt}, soft"), "photo of a cup, soft");
  EXPECT_EQ(with_style("a cup", "soft"), "a cup, soft");
  EXPECT_EQ(with_style("", "soft"), "soft");
  EXPECT_EQ(with_style("a cup", ""), "a cup");
}

}  // namespace
}  // namespace obscura::prompt
