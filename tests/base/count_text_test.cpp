#include "base/count_text.h"

#include <gtest/gtest.h>

namespace obscura {
namespace {

TEST(CountText, OfOneIsSingular) {
  EXPECT_EQ(count_text(0, "layer"), "no layers");
  EXPECT_EQ(count_text(1, "layer"), "1 layer");
  EXPECT_EQ(count_text(722, "layer"), "722 layers");
}

}  // namespace
}  // namespace obscura
