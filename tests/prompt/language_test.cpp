#include "prompt/language.h"

#include <gtest/gtest.h>

#include "prompt/editing.h"

namespace obscura::prompt {
namespace {

struct AtStep {
  const char* prompt;
  int step;
  const char* wanted;
};
class PromptAtStep : public testing::TestWithParam<AtStep> {};

TEST_P(PromptAtStep, ResolvesEditingAndAlternation) {
  EXPECT_EQ(prompt_at_step(GetParam().prompt, GetParam().step, 10), GetParam().wanted);
}

INSTANTIATE_TEST_SUITE_P(
    Of10, PromptAtStep,
    testing::Values(AtStep{"a [cat:dog:0.5] x", 4, "a cat x"},
                    AtStep{"a [cat:dog:0.5] x", 5, "a dog x"}, AtStep{"[cat:dog:3]", 2, "cat"},
                    AtStep{"[cat:dog:3]", 3, "dog"}, AtStep{"[dog:3]", 2, ""},
                    AtStep{"[dog:3]", 3, "dog"}, AtStep{"[cat::3]", 2, "cat"},
                    AtStep{"[cat::3]", 3, ""}, AtStep{"[a|b|c]", 4, "b"}, AtStep{"[a|]", 1, ""},
                    AtStep{"[soft]", 0, "[soft]"}, AtStep{"[[a:b:2]]", 1, "[a]"},
                    AtStep{"[a:[b:c:8]:4]", 5, "b"}, AtStep{"[a:[b:c:8]:4]", 9, "c"},
                    AtStep{"[(a:1.2):b:0.5]", 0, "(a:1.2)"},
                    AtStep{"\\[a:b:3\\]", 0, "\\[a:b:3\\]"}, AtStep{"[open", 0, "[open"},
                    AtStep{"[a:b]", 0, "[a:b]"}));

using Pieces = std::vector<std::vector<WeightedText>>;

void expect_pieces(const char* text, const Pieces& wanted) {
  const Pieces found = parse_weights(text);
  ASSERT_EQ(found.size(), wanted.size()) << text;
  for (std::size_t p = 0; p < found.size(); ++p) {
    ASSERT_EQ(found[p].size(), wanted[p].size()) << text;
    for (std::size_t i = 0; i < found[p].size(); ++i) {
      EXPECT_EQ(found[p][i].text, wanted[p][i].text) << text;
      EXPECT_NEAR(found[p][i].weight, wanted[p][i].weight, 1e-9) << text;
    }
  }
}

TEST(PromptWeights, MultiplyWhereTheyNest) {
  expect_pieces("normal text", {{{"normal text", 1}}});
  expect_pieces("an (important) word", {{{"an ", 1}, {"important", 1.1}, {" word", 1}}});
  expect_pieces("(unbalanced", {{{"unbalanced", 1.1}}});
  expect_pieces("\\(literal\\]", {{{"(literal]", 1}}});
  expect_pieces("(unnecessary)(parens)", {{{"unnecessaryparens", 1.1}}});
  expect_pieces("a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
                {{{"a ", 1},
                  {"house", 1.3 * 1.1 * 1.1},
                  {" ", 1.1},
                  {"on", 1.0},
                  {" a ", 1.1},
                  {"hill", 0.55},
                  {", sun, ", 1.1},
                  {"sky", 1.1 * 1.1 * 1.1 * 1.1},
                  {".", 1.1}}});
}

TEST(PromptWeights, BreakBeginsAPiece) {
  expect_pieces("a red cup BREAK on (marble)", {{{"a red cup", 1}}, {{"on", 1}, {"marble", 1.1}}});
  expect_pieces("BREAKFAST", {{{"BREAKFAST", 1}}});
}

TEST(PromptWeights, AreAbsoluteInComfyUisSyntax) {
  EXPECT_EQ(as_comfyui({{"a ", 1}, {"b (c)", 1.5}}), "a (b \\(c\\):1.5)");
}

TEST(ParsePrompt, SplitsAtAndWithWeights) {
  ParsedPrompt parsed = parse_prompt("a cat :1.5 AND (a dog:1.2) AND SANDY", 4);
  ASSERT_EQ(parsed.subprompts.size(), 3u);
  EXPECT_EQ(parsed.subprompts[0].weight, 1.5);
  EXPECT_EQ(parsed.subprompts[0].stretches[0].text, "a cat ");
  EXPECT_EQ(parsed.subprompts[1].weight, 1);
  EXPECT_NEAR(parsed.subprompts[1].stretches[0].pieces[0].at(1).weight, 1.2, 1e-9);
}

TEST(ParsePrompt, TakesLorasOut) {
  ParsedPrompt parsed =
      parse_prompt("x<lora:style:0.8> y <lora:b:te=0.25:unet=2><lora:c:0.5:0.75>", 1);
  EXPECT_EQ(parsed.subprompts[0].stretches[0].text, "x y ");
  EXPECT_EQ(parsed.loras, (std::vector<LoraTag>{{"style", .8, .8}, {"b", .25, 2}, {"c", .5, .75}}));
}

TEST(ParsePrompt, CoversAllStepsByStretches) {
  ParsedPrompt parsed = parse_prompt("[a:b:0.5] [c|d]", 4);
  std::vector<std::string> texts;
  int next = 0;
  for (const PromptStretch& stretch : parsed.subprompts[0].stretches) {
    EXPECT_EQ(stretch.first_step, next);
    next = stretch.end_step;
    texts.push_back(stretch.text);
  }
  EXPECT_EQ(next, 4);
  EXPECT_EQ(texts, (std::vector<std::string>{"a c", "a d", "b c", "b d"}));
}

}  // namespace
}  // namespace obscura::prompt
