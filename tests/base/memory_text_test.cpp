#include "base/memory_text.h"

#include <gtest/gtest.h>

namespace obscura {
namespace {

TEST(MemoryText, HasOneDigit) {
  EXPECT_EQ(memory_text(512), "512 bytes");
  EXPECT_EQ(memory_text(12 << 10), "12 KiB");
  EXPECT_EQ(memory_text((53 << 20) + (1 << 19)), "53.5 MiB");
  EXPECT_EQ(memory_text((std::size_t{7} << 30) + (std::size_t{430} << 20)), "7.4 GiB");
}

}  // namespace
}  // namespace obscura
