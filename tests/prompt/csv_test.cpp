#include "prompt/csv.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace obscura::prompt {
namespace {

using Rows = std::vector<std::vector<std::string>>;

TEST(Csv, CutsAtCommasAndLines) {
  EXPECT_EQ(parse_csv("a,b\n,c\n"), (Rows{{"a", "b"}, {"", "c"}}));
  EXPECT_EQ(parse_csv("a,b\r\nc"), (Rows{{"a", "b"}, {"c"}}));
  EXPECT_EQ(parse_csv(""), Rows{});
}

TEST(Csv, AQuotedFieldMayHoldAnything) {
  EXPECT_EQ(parse_csv("\"a, b\",\"c\r\nd\",\"e \"\"f\"\"\"\n"),
            (Rows{{"a, b", "c\r\nd", "e \"f\""}}));
  EXPECT_EQ(parse_csv("\"\",\"\"\"\""), (Rows{{"", "\""}}));
}

TEST(Csv, AQuoteWithoutAnEndTakesTheRest) {
  EXPECT_EQ(parse_csv("a,\"b\nc,d"), (Rows{{"a", "b\nc,d"}}));
}

}  // namespace
}  // namespace obscura::prompt
