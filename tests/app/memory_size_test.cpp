#include "app/memory_size.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace obscura::app {
namespace {

TEST(MemorySize, ReadsAmountsAsPeopleWriteThem) {
  const std::pair<const char*, std::size_t> amounts[] = {
      {"8GiB", std::size_t{8} << 30},
      {"8G", std::size_t{8} << 30},
      {"8 gb", std::size_t{8} << 30},
      {"1.5g", std::size_t{3} << 29},
      {"512MiB", std::size_t{1} << 29},
      {"4096KiB", std::size_t{4} << 20},
      {"1T", std::size_t{1} << 40},
      {"123456", 123456},
      {"7B", 7},
  };
  for (const auto& [text, bytes] : amounts) {
    Result<std::size_t> read = parse_memory_size(text);
    ASSERT_TRUE(read.ok()) << text << ": " << read.error().message();
    EXPECT_EQ(*read, bytes) << text;
  }
}

TEST(MemorySize, RefusesWhatIsNoAmount) {
  for (const char* text :
       {"", "G", "8X", "8GiBs", "-1G", "0", "0.4", "nan", "inf", "1e30", "2000000T", "8G8"}) {
    Result<std::size_t> read = parse_memory_size(text);
    ASSERT_FALSE(read.ok()) << text << " became " << *read;
    EXPECT_EQ(read.error().kind(), ErrorKind::kInvalidInput);
    EXPECT_NE(read.error().message().find("found '" + std::string(text) + "'"), std::string::npos)
        << read.error().message();
  }
}

}  // namespace
}  // namespace obscura::app
