#include "models/clip/tokenizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>

#include "models/clip/tokenizer_text.h"
#include "test_paths.h"

namespace obscura::models::clip {
namespace {

using Ids = std::vector<int32_t>;

const Tokenizer& clip_tokenizer() {
  return Tokenizer::embedded();
}

// openai/CLIP's own ids for 320 prompts in many scripts (its ftfy step left out, as here).
TEST(Tokenizer, GivesTheIdsOfOpenAiClip) {
  auto golden = nlohmann::json::parse(std::ifstream(unpacked_golden_path("clip_tokens.json")));
  ASSERT_EQ(golden["prompts"].size(), 320u);
  for (const auto& entry : golden["prompts"]) {
    std::string prompt = entry["prompt"];
    SCOPED_TRACE(prompt);
    EXPECT_EQ(clip_tokenizer().encode(prompt), entry["ids"].get<Ids>());
  }
}

// The long s counts as an s where the words are cut, but what was cut so is no special token.
TEST(Tokenizer, SpecialTokensAreReadInText) {
  EXPECT_EQ(clip_tokenizer().encode("<|StartOfText|>cat<|endoftext|>"),
            (Ids{kStartToken, 2368, kEndToken}));
  Ids look_alike = clip_tokenizer().encode("<|ſtartoftext|>");
  EXPECT_EQ(std::count(look_alike.begin(), look_alike.end(), kStartToken), 0);
}

// As the `regex` module has it with case ignored.
TEST(Tokenizer, YpogegrammeniSeparatesWords) {
  EXPECT_EQ(clip_tokenizer().encode("cat\u0345dog.\u0345."), clip_tokenizer().encode("cat dog. ."));
}

TEST(Tokenizer, DamagedMergesAreRefusedWithTheirLine) {
  auto message = [](std::string_view merges) {
    auto encoder = BytePairEncoder::from_merges(merges);
    EXPECT_FALSE(encoder.ok());
    return encoder.ok() ? std::string() : encoder.error().message();
  };
  EXPECT_NE(message("#version: 0.2\ni n\nth e\n").find("line 3: \"th\""), std::string::npos);
  EXPECT_NE(message("i n\nin</w>\n").find("line 2: wanted two tokens"), std::string::npos);
  EXPECT_NE(message("i n\nin g\nn g\ni ng\n").find("line 4: the token \"ing\" is made twice"),
            std::string::npos);
  EXPECT_EQ(Tokenizer::from_merges("i n\n").error().message(),
            "[clip merges] wanted 49406 tokens, got 513");
}

// "Replace every occurrence of the best pair, then look again", as the method is defined.
TEST(BytePairEncoder, MergesByRankThenFromTheLeft) {
  auto encoder = BytePairEncoder::from_merges("b c\na a\na b\naa a</w>\n");
  ASSERT_TRUE(encoder.ok()) << encoder.error().message();
  auto encode = [&](std::string_view word) {
    Ids ids;
    encoder->encode_word(word, &ids);
    return ids;
  };
  constexpr int32_t kA = 'a' - 33, kC = 'c' - 33, kAtEnd = 256;  // GPT-2's order starts at "!"
  EXPECT_EQ(encode("abcc"), (Ids{kA, 512, kC + kAtEnd}));
  EXPECT_EQ(encode("aaaa"), (Ids{513, kA, kA + kAtEnd}));
  EXPECT_EQ(encode("aaa"), (Ids{515}));
  EXPECT_EQ(encode(""), Ids());
}

// A word is not bounded in length, so its time must not be quadratic: a megabyte in one word.
TEST(BytePairEncoder, LongWordsTakeNoQuadraticTime) {
  std::mt19937 random(7);
  std::string word(1 << 20, ' ');
  for (char& c : word) c = static_cast<char>('a' + random() % 26);
  Ids ids = clip_tokenizer().encode(word);
  EXPECT_GT(ids.size(), word.size() / 8);
  EXPECT_LT(ids.size(), word.size());
}

// Expected values: Python 3.11's str.lower().
TEST(TokenizerText, LowersAsPythonDoes) {
  EXPECT_EQ(lower_case(U"ΟΔΥΣΣΕΑΣ ΣΑΣ. Σ ΑΣⓐ ΑΣª"), U"οδυσσεας σας. σ ασⓐ ασª");
  EXPECT_EQ(lower_case(U"ΑΣ'Σ ΑΣ\u0301 ΑΣ\u0301Α"), U"ασ'ς ας\u0301 ασ\u0301α");
  EXPECT_EQ(lower_case(U"İSTANBUL ẞ ǅ Ⅷ K"), U"i\u0307stanbul ß ǆ ⅷ k");
}

// Expected values: Python 3.11's html.unescape().
TEST(TokenizerText, UnescapesAsPythonDoes) {
  const std::pair<std::u32string_view, std::u32string_view> kCases[] = {
      {U"&notit; &amp &frac12 &gtx", U"¬it; & ½ >x"},
      {U"&acE;&NewLine;&ampamp;", U"\u223E\u0333\n&amp;"},
      {U"&CounterClockwiseContourIntegral;", U"∳"},
      {U"&CounterClockwiseContourIntegralx;", U"&CounterClockwiseContourIntegralx;"},
      {U"&;&x;&#x;&é;&unknown;&#", U"&;&x;&#x;&é;&unknown;&#"},
      {U"&#x80;&#1;&#xfffe;&#x7F;&#13;|", U"€\r|"},
      {U"&#0;&#xD800;&#x110000;&#99999999999999999999;", U"\uFFFD\uFFFD\uFFFD\uFFFD"},
      {U"&#X1F431;&#233", U"\U0001F431é"},
  };
  for (const auto& [text, wanted] : kCases) {
    EXPECT_EQ(unescape_html(text), wanted) << encode_utf8(text);
  }
}

// Expected values: Python's bytes.decode("utf-8", "replace").
TEST(TokenizerText, IllFormedBytesBecomeReplacementCharacters) {
  const std::pair<std::string_view, std::u32string_view> kCases[] = {
      {"a\xC3\xA9\xF0\x9F\x90\xB1", U"aé\U0001F431"},
      {"\xF0\x9F\x90x", U"\uFFFDx"},
      {"\xF0\x9F\xC3\xA9", U"\uFFFDé"},
      {"\xE2\x82", U"\uFFFD"},
      {"\xC0\x80", U"\uFFFD\uFFFD"},
      {"\xE0\x80\x80", U"\uFFFD\uFFFD\uFFFD"},
      {"\xED\xA0\x80", U"\uFFFD\uFFFD\uFFFD"},
      {"\xF4\x90\x80\x80", U"\uFFFD\uFFFD\uFFFD\uFFFD"},
      {"\xF5\xFF", U"\uFFFD\uFFFD"},
  };
  for (const auto& [bytes, wanted] : kCases) {
    EXPECT_EQ(decode_utf8(bytes), wanted) << testing::PrintToString(std::string(bytes));
    EXPECT_EQ(decode_utf8(encode_utf8(decode_utf8(bytes))), wanted);
  }
}

TEST(Tokenizer, AnyBytesGiveTokensOfTheVocabulary) {
  constexpr std::string_view kPieces[] = {"cat",      "&amp",     ";",   "&#x", "1F431",
                                          " ",        "\xCE\xA3", "'ll", "<|",  "endoftext|>",
                                          "\xF0\x9F", "\xC3",     "\n",  "7"};
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (uint32_t size = random() % 24; text.size() < size;) {
      bool piece = random() % 2 == 0;
      text += piece ? std::string(kPieces[random() % std::size(kPieces)])
                    : std::string(1, static_cast<char>(random()));
    }
    Ids ids = clip_tokenizer().encode(text);
    // Three ids for a byte: one replaced by U+FFFD; more only through HTML references, which never
    // grow a text.
    ASSERT_LE(ids.size(), 3 * text.size());
    for (int32_t id : ids) ASSERT_TRUE(id >= 0 && id < kVocabularySize) << id;
    ASSERT_EQ(ids, clip_tokenizer().encode(encode_utf8(decode_utf8(text))));
  }
}

}  // namespace
}  // namespace obscura::models::clip
