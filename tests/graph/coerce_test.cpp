#include "graph/coerce.h"

#include <gtest/gtest.h>

namespace obscura::graph {
namespace {

using nlohmann::json;

// One row of the table in coerce.h: "INT <- '20'" and what comes of it.
struct Row {
  const char* type;
  const char* value;     // JSON
  const char* expected;  // JSON, or the error after "wanted "
  bool warns;
};

class CoerceTable : public ::testing::TestWithParam<Row> {};

TEST_P(CoerceTable, Holds) {
  const Row& row = GetParam();
  Result<Coerced> result = coerce(row.type, json::parse(row.value));
  if (std::string_view(row.expected).starts_with("wanted ")) {
    ASSERT_FALSE(result.ok()) << result->value;
    EXPECT_EQ(result.error().message(), row.expected);
    return;
  }
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_EQ(result->value.dump(), row.expected);
  EXPECT_EQ(!result->warning.empty(), row.warns) << result->warning;
}

const Row kRows[] = {
    {"INT", "20", "20", false},
    {"INT", "20.0", "20", false},
    {"INT", "\"20\"", "20", true},
    {"INT", "\" +20\\n\"", "20", true},
    {"INT", "\"-3\"", "-3", true},
    {"INT", "18446744073709551615", "18446744073709551615", false},
    {"INT", "\"18446744073709551615\"", "18446744073709551615", true},
    {"INT", "true", "1", true},
    {"INT", "20.7", "wanted a whole number, found 20.7", false},
    {"INT", "1e300", "wanted a whole number of at most 64 bits, found 1e+300", false},
    {"INT", "\"20.7\"", "wanted a whole number, found \"20.7\"", false},
    {"INT", "\"18446744073709551616\"", "wanted a whole number, found \"18446744073709551616\"",
     false},
    {"INT", "\"\"", "wanted a whole number, found \"\"", false},
    {"INT", "\"0x10\"", "wanted a whole number, found \"0x10\"", false},
    {"INT", "\"+-1\"", "wanted a whole number, found \"+-1\"", false},
    {"INT", "null", "wanted a whole number, found null", false},
    {"INT", "[1]", "wanted a whole number, found [1]", false},
    {"FLOAT", "8", "8.0", false},
    {"FLOAT", "8.5", "8.5", false},
    {"FLOAT", "\"8.5\"", "8.5", true},
    {"FLOAT", "\"1e-3\"", "0.001", true},
    {"FLOAT", "false", "0.0", true},
    {"FLOAT", "\"nan\"", "wanted a finite number, found \"nan\"", false},
    {"FLOAT", "\"-inf\"", "wanted a finite number, found \"-inf\"", false},
    {"FLOAT", "\"8,5\"", "wanted a finite number, found \"8,5\"", false},
    {"FLOAT", "{}", "wanted a finite number, found {}", false},
    {"BOOLEAN", "false", "false", false},
    {"BOOLEAN", "\"false\"", "false", true},
    {"BOOLEAN", "\"FALSE \"", "false", true},
    {"BOOLEAN", "\"off\"", "false", true},
    {"BOOLEAN", "\"Yes\"", "true", true},
    {"BOOLEAN", "0", "false", true},
    {"BOOLEAN", "1.0", "true", true},
    {"BOOLEAN", "2", "wanted true or false, found 2", false},
    {"BOOLEAN", "\"maybe\"", "wanted true or false, found \"maybe\"", false},
    {"BOOLEAN", "null", "wanted true or false, found null", false},
    {"STRING", "\"text\"", "\"text\"", false},
    {"STRING", "20", "\"20\"", true},
    {"STRING", "true", "\"True\"", true},
    {"STRING", "null", "wanted a text, found null", false},
    {"STRING", "[1,2]", "wanted a text, found [1,2]", false},
    {"COMBO", "8", "\"8\"", true},
    {"COMBO", "[]", "wanted one of the choices, found []", false},
    {"INT,FLOAT", "8.5", "8.5", false},
    {"INT, STRING", "\"a\"", "\"a\"", false},
    {"INT,FLOAT", "\"8\"", "wanted one of the types INT,FLOAT, found \"8\"", false},
    {"FLOATS", "[0.5]", "[0.5]", false},
    {"*", "null", "null", false},
};
INSTANTIATE_TEST_SUITE_P(Rows, CoerceTable, ::testing::ValuesIn(kRows));

TEST(Bounds, CompareSeedsBeyondTheSignBit) {
  const InputSpec seed = integer("seed").range(0, kMaxSeed);
  EXPECT_EQ(check_bounds(seed, json(18446744073709551615u)), Bound::kWithin);
  EXPECT_EQ(check_bounds(seed, json(-1)), Bound::kBelow);
  const InputSpec small = integer("steps").range(-5, 10);
  EXPECT_EQ(check_bounds(small, json(18446744073709551615u)), Bound::kAbove);
  EXPECT_EQ(check_bounds(small, json(-5)), Bound::kWithin);
  EXPECT_EQ(check_bounds(small, json(-6)), Bound::kBelow);
  EXPECT_EQ(describe_bound(small, json(11), Bound::kAbove), "wanted at most 10, found 11");
  const InputSpec cfg = number("cfg").range(0, 100);
  EXPECT_EQ(check_bounds(cfg, json(100.5)), Bound::kAbove);
  EXPECT_EQ(describe_bound(cfg, json(-0.5), Bound::kBelow), "wanted at least 0.0, found -0.5");
}

TEST(Choices, ForgiveTheSlashesOfWindows) {
  const std::vector<std::string> files = {"base.safetensors", "xl/refiner.safetensors"};
  ASSERT_NE(find_choice(files, "xl\\refiner.safetensors"), nullptr);
  EXPECT_EQ(*find_choice(files, "xl\\refiner.safetensors"), "xl/refiner.safetensors");
  EXPECT_EQ(find_choice(files, "refiner.safetensors"), nullptr);
  EXPECT_EQ(
      describe_no_choice(files, "refiner.safetensors"),
      "wanted one of 'base.safetensors', 'xl/refiner.safetensors', found 'refiner.safetensors'; "
      "the nearest is 'xl/refiner.safetensors'");
  EXPECT_EQ(describe_no_choice({}, "a"), "found 'a', but there is nothing to choose from");
}

}  // namespace
}  // namespace obscura::graph
