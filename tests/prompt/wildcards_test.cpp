#include "prompt/wildcards.h"

#include <gtest/gtest.h>

namespace obscura::prompt {
namespace {

// Every wildcard has these lines; the last of them is chosen.
WildcardSource source_of(std::vector<std::string> lines) {
  return {[=](const std::string&) -> Result<std::vector<std::string>> { return lines; },
          [](std::size_t count) { return count - 1; }};
}

TEST(Wildcards, AreLinesThatSaySomething) {
  EXPECT_EQ(wildcard_lines("red\r\n# a remark\n\nblue"), (std::vector<std::string>{"red", "blue"}));
}

TEST(Wildcards, GiveWayToALine) {
  EXPECT_EQ(with_wildcards("a __colour__ cup", source_of({"red", "blue"})).value(), "a blue cup");
  EXPECT_EQ(with_wildcards("snake_case, a__b", source_of({"x"})).value(), "snake_case, a__b");
}

TEST(Wildcards, ThatNameThemselvesEnd) {
  auto result = with_wildcards("__a__", source_of({"__a__"}));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind(), ErrorKind::kInvalidInput);
}

}  // namespace
}  // namespace obscura::prompt
