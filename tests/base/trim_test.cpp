#include "base/trim.h"

#include <gtest/gtest.h>

namespace obscura {
namespace {

TEST(Trim, TakesBlanksFromTheEndsAlone) {
  EXPECT_EQ(trimmed(" \t a b\r\n"), "a b");
  EXPECT_EQ(trimmed("a"), "a");
  EXPECT_EQ(trimmed(" \n "), "");
  EXPECT_EQ(trimmed(""), "");
  EXPECT_EQ(trimmed(" a\n", " "), "a\n");
}

}  // namespace
}  // namespace obscura
