#include "graph/json_text.h"

#include <gtest/gtest.h>

#include <string>

namespace obscura::graph {
namespace {

std::string error_of(std::string_view text, const JsonLimits& limits = {}) {
  auto parsed = parse_json(text, limits);
  return parsed.ok() ? "parsed" : parsed.error().message();
}

TEST(JsonText, KeepsOrderAndValues) {
  const std::string text = R"({"z":1,"a":[true,null,-2.5,"é\n"],"m":{"k":18446744073709551615}})";
  auto parsed = parse_json(text);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_EQ(parsed->dump(), text);
  EXPECT_EQ((*parsed)["m"]["k"].get<std::uint64_t>(), 18446744073709551615u);
}

TEST(JsonText, RefusesADepthBombWithoutRecursion) {
  const std::string bomb(1'000'000, '[');
  EXPECT_EQ(error_of(bomb), "the text is nested more than 100 deep");
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_EQ(error_of(objects), "the text is nested more than 100 deep");
  EXPECT_EQ(error_of("[[1]]", {.depth = 2}), "parsed");
  EXPECT_EQ(error_of("[[[1]]]", {.depth = 2}), "the text is nested more than 2 deep");
}

TEST(JsonText, RefusesWhatIsTooLarge) {
  EXPECT_EQ(error_of("[1,2,3]", {.bytes = 6}), "the JSON text has 7 bytes; at most 6 are read");
  EXPECT_EQ(error_of("[1,2,3]", {.values = 3}), "the text has more than 3 values");
  EXPECT_EQ(error_of("[1,2,3]", {.values = 4}), "parsed");
}

TEST(JsonText, RefusesAKeyTwiceInOneObjectOnly) {
  EXPECT_EQ(error_of(R"({"4":{"a":1},"4":{"a":2}})"),
            "the text has the key '4' twice in one object");
  EXPECT_EQ(error_of(R"({"4":{"a":1},"5":{"a":2}})"), "parsed");
}

TEST(JsonText, RefusesNumbersBeyondADouble) {
  EXPECT_NE(error_of("[1e999]").find("overflow"), std::string::npos) << error_of("[1e999]");
  auto parsed = parse_json("[123456789012345678901234567890]");
  ASSERT_TRUE(parsed.ok());
  EXPECT_TRUE((*parsed)[0].is_number_float());
}

TEST(JsonText, NamesTheLineOfASyntaxError) {
  EXPECT_NE(error_of("{\n\"a\": }").find("line 2, column 6"), std::string::npos)
      << error_of("{\n\"a\": }");
  EXPECT_NE(error_of("{\"a\":").find("unexpected end of input"), std::string::npos);
  EXPECT_EQ(error_of(""), "the text is empty, not JSON");
  EXPECT_EQ(error_of(" \n"), "the text is empty, not JSON");
  EXPECT_NE(error_of("{} x").find("not valid JSON"), std::string::npos);
  EXPECT_NE(error_of("\"\xff\"").find("UTF-8"), std::string::npos) << error_of("\"\xff\"");
}

TEST(JsonText, ShowsNoControlCharactersOfTheInput) {
  const std::string message = error_of("{\"a\":\"\x1b[2J\"}");
  EXPECT_EQ(message.find('\x1b'), std::string::npos) << message;
}

TEST(JsonText, ReadsPythonsLiteralsAsNullOutsideOfStrings) {
  auto parsed = parse_json(R"({"a":[NaN,-Infinity,Infinity],"b":"NaN \" Infinity"})");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_EQ(parsed->dump(), R"({"a":[null,null,null],"b":"NaN \" Infinity"})");
}

TEST(JsonText, TakesLinearTimeForManyKeys) {
  std::string text = "{";
  for (int i = 0; i < 200'000; ++i) text += "\"" + std::to_string(i) + "\":0,";
  text += "\"last\":0}";
  auto parsed = parse_json(text);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->size(), 200'001u);
}

}  // namespace
}  // namespace obscura::graph
