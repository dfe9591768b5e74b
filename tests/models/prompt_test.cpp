#include "models/clip/prompt.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "models/clip/prompt_weights.h"
#include "models/clip/tokenizer_text.h"
#include "test_paths.h"

namespace obscura::models::clip {
namespace {

using nlohmann::json;

const Tokenizer& tokenizer() {
  return Tokenizer::embedded();
}

json read_golden() {
  return json::parse(std::ifstream(unpacked_golden_path("prompt_weights.json")));
}

json weight_as_json(double weight) {
  if (std::isnan(weight)) return "nan";
  if (std::isinf(weight)) return weight > 0 ? "inf" : "-inf";
  return weight;
}

json segments_of(std::string_view prompt) {
  json segments = json::array();
  auto parsed = parse_prompt_weights(prompt);
  EXPECT_TRUE(parsed.ok());
  for (const auto& segment : *parsed)
    segments.push_back({segment.text, weight_as_json(segment.weight)});
  return segments;
}

// In the golden file's form: an embedding's row is "name#row".
json chunks_of(std::string_view prompt, const PromptOptions& options) {
  auto tokens = tokenize_prompt(tokenizer(), prompt, options);
  EXPECT_TRUE(tokens.ok());
  json ids = json::array(), weights = json::array(), words = json::array();
  for (const PromptChunk& chunk : tokens->chunks) {
    json chunk_ids = json::array(), chunk_weights = json::array(), chunk_words = json::array();
    for (const PromptToken& token : chunk) {
      if (token.is_embedding_row()) {
        chunk_ids.push_back(tokens->embeddings[token.embedding] + "#" + std::to_string(token.row));
      } else {
        chunk_ids.push_back(token.id);
      }
      chunk_weights.push_back(weight_as_json(token.weight));
      chunk_words.push_back(token.group);
    }
    ids.push_back(chunk_ids);
    weights.push_back(chunk_weights);
    words.push_back(chunk_words);
  }
  return {{"ids", ids}, {"weights", weights}, {"words", words}};
}

PromptOptions with_embeddings() {
  PromptOptions options;
  options.embedding_width = 768;
  options.embeddings = [](std::string_view name) -> std::optional<EmbeddingShape> {
    static const std::map<std::string, EmbeddingShape, std::less<>> kFolder = {
        {"easynegative", {2, 768}},
        {"bad-hands-5", {1, 768}},
        {"style/foo", {3, 768}},
        {"for-sd2", {2, 1024}}};
    auto found = kFolder.find(name);
    if (found == kFolder.end()) return std::nullopt;
    return found->second;
  };
  return options;
}

Result<PromptTokens> tokenize(std::string_view prompt) {
  return tokenize_prompt(tokenizer(), prompt, with_embeddings());
}

TEST(PromptWeights, SegmentsAreComfyUis) {
  json golden = read_golden();
  ASSERT_EQ(golden["prompts"].size(), 71u);
  for (const json& entry : golden["prompts"]) {
    EXPECT_EQ(segments_of(entry["prompt"].get<std::string>()), entry["segments"])
        << entry["prompt"];
  }
}

TEST(Prompt, ChunksAreComfyUis) {
  int with_pad0 = 0, with_rows = 0;
  const json golden = read_golden();
  for (const json& entry : golden["prompts"]) {
    std::string prompt = entry["prompt"];
    SCOPED_TRACE(prompt);
    EXPECT_EQ(chunks_of(prompt, {}), entry["chunks"]);
    if (entry.contains("chunks_pad0")) {
      ++with_pad0;
      EXPECT_EQ(chunks_of(prompt, {.pad_token = 0}), entry["chunks_pad0"]);
    }
    if (entry.contains("chunks_with_embeddings")) {
      ++with_rows;
      EXPECT_EQ(chunks_of(prompt, with_embeddings()), entry["chunks_with_embeddings"]);
    }
  }
  EXPECT_GT(with_pad0, 0);
  EXPECT_GT(with_rows, 0);
}

// Expected values: Python 3.11's float().
TEST(PromptWeights, NumbersAreReadAsPythonReadsThem) {
  const std::pair<const char*, double> kNumbers[] = {
      {"1_0.0_1e1_0", 100100000000.0}, {"-inf", -INFINITY}, {"1e999", INFINITY},
      {"-1e999", -INFINITY},           {"1e-999", 0.0},     {"1E+2", 100.0},
      {"\u3000\u0661\u3000", 1.0},     {"１.２", 1.2},      {"\U0001D7D0", 2.0},
      {"\u0661\u0662_\u0663", 123.0}};
  for (const auto& [text, wanted] : kNumbers) {
    auto segments = parse_prompt_weights("(a:" + std::string(text) + ")");
    ASSERT_EQ(segments->size(), 1u) << text;
    EXPECT_EQ(segments->at(0).text, "a");
    EXPECT_EQ(segments->at(0).weight, wanted) << text;
  }
  for (const char* text : {"1__0", "_1", "1_", "1_.0", "+-1", "++1", "１．２", "0x10", "1e", "",
                           ".", "1 2", "infinit"}) {
    auto segments = parse_prompt_weights("(a:" + std::string(text) + ")");
    ASSERT_EQ(segments->size(), 1u) << text;
    EXPECT_EQ(segments->at(0).text, "a:" + std::string(text));
    EXPECT_EQ(segments->at(0).weight, 1.1) << text;
  }
}

TEST(PromptWeights, AWeightedGroupIsNoNumber) {
  EXPECT_EQ(segments_of("(a:nan(1))"),
            json::array({json::array({"a:nan", 1.1}), json::array({"1", 1.1 * 1.1})}));
}

TEST(PromptWeights, DeepNestingIsRefusedAndOpenParenthesesAreText) {
  auto nested = [](int depth) { return std::string(depth, '(') + "a" + std::string(depth, ')'); };
  auto deepest = parse_prompt_weights(nested(kMaxPromptNesting));
  ASSERT_TRUE(deepest.ok());
  EXPECT_NEAR(deepest->at(0).weight, std::pow(1.1, kMaxPromptNesting), 1e-3);
  auto deeper = parse_prompt_weights(nested(kMaxPromptNesting + 1));
  ASSERT_FALSE(deeper.ok());
  EXPECT_EQ(deeper.error().kind(), ErrorKind::kInvalidInput);
  std::string open(100000, '(');
  EXPECT_EQ(segments_of(open), json::array({json::array({open, 1.0})}));
}

// A group of seven tokens moves to the next chunk whole; one of eight is cut at the 75th token.
TEST(Prompt, SmallGroupsMoveWholeAndLargeOnesAreCut) {
  auto lengths = [](int first, int second) {
    std::string prompt;
    for (int i = 0; i < first; ++i) prompt += "cat ";
    prompt += "(";
    for (int i = 0; i < second; ++i) prompt += "dog ";
    prompt += ":1.2)";
    auto tokens = tokenize(prompt);
    std::vector<int> counts;
    for (const PromptChunk& chunk : tokens->chunks) {
      counts.push_back(std::count_if(chunk.begin(), chunk.end(),
                                     [](const PromptToken& t) { return t.group > 0; }));
    }
    return counts;
  };
  EXPECT_EQ(lengths(68, 7), (std::vector<int>{75}));
  EXPECT_EQ(lengths(69, 7), (std::vector<int>{69, 7}));
  EXPECT_EQ(lengths(69, 8), (std::vector<int>{75, 2}));
  EXPECT_EQ(lengths(75, 8), (std::vector<int>{75, 8}));
  EXPECT_EQ(lengths(1, 160), (std::vector<int>{75, 75, 11}));
}

TEST(Prompt, IgnoredEmbeddingsAreNamed) {
  auto tokens =
      tokenize("cat embedding:missing, embedding:for-sd2 dog embedding: embedding:bad-hands-5, x");
  ASSERT_TRUE(tokens.ok());
  EXPECT_EQ(tokens->embeddings, std::vector<std::string>{"bad-hands-5"});
  ASSERT_EQ(tokens->warnings.size(), 3u);
  EXPECT_EQ(tokens->warnings[0], "[prompt] there is no embedding \"missing\"; ignored");
  EXPECT_EQ(tokens->warnings[1],
            "[prompt] embedding \"for-sd2\" wants a text encoder of width 1024, got 768; ignored");
  EXPECT_EQ(tokens->warnings[2], "[prompt] there is no embedding \"\"; ignored");
}

TEST(Prompt, AnEmbeddingUsedTwiceIsListedOnce) {
  auto tokens = tokenize("embedding:style/foo (embedding:style/foo:0.5)");
  EXPECT_EQ(tokens->embeddings.size(), 1u);
  const PromptChunk& chunk = tokens->chunks[0];
  EXPECT_EQ(chunk[1].embedding, chunk[4].embedding);
  EXPECT_EQ(chunk[6].row, 2);
  EXPECT_EQ(chunk[4].weight, 0.5);
}

TEST(Prompt, IsWeightedWhenAnyTokenIs) {
  EXPECT_FALSE(tokenize("a cat")->is_weighted());
  EXPECT_FALSE(tokenize("a (cat:1)")->is_weighted());
  EXPECT_FALSE(tokenize("a () cat")->is_weighted());
  EXPECT_TRUE(tokenize("a (cat)")->is_weighted());
  EXPECT_TRUE(tokenize("a (cat:nan)")->is_weighted());
}

TEST(Prompt, AnyBytesGiveWholeChunks) {
  constexpr std::string_view kPieces[] = {"(",
                                          ")",
                                          "\\",
                                          "\\(",
                                          "\\)",
                                          ":",
                                          "1.3",
                                          "cat",
                                          " ",
                                          "\n",
                                          ",",
                                          "embedding:",
                                          "easynegative",
                                          " embedding:style/foo",
                                          "\xF0\x9F",
                                          "\xE3\x80\x80"};
  std::mt19937 random(2);
  for (int i = 0; i < 20000; ++i) {
    std::string prompt;
    for (uint32_t size = random() % 80; prompt.size() < size;) {
      bool piece = random() % 8 != 0;
      prompt += piece ? std::string(kPieces[random() % std::size(kPieces)])
                      : std::string(1, static_cast<char>(random()));
    }
    auto tokens = tokenize(prompt);
    ASSERT_TRUE(tokens.ok()) << prompt;
    ASSERT_FALSE(tokens->chunks.empty());
    for (const PromptChunk& chunk : tokens->chunks) {
      ASSERT_EQ(chunk.size(), static_cast<size_t>(kContextLength));
      ASSERT_EQ(chunk[0].id, kStartToken);
      for (const PromptToken& token : chunk) {
        ASSERT_EQ(token.id == kEmbeddingRow, token.is_embedding_row());
        ASSERT_LT(token.embedding, static_cast<int32_t>(tokens->embeddings.size()));
        ASSERT_LT(token.id, kVocabularySize);
      }
    }
  }
}

}  // namespace
}  // namespace obscura::models::clip
