#include "base/numbered_file.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "store/temporary_folder.h"

namespace obscura {
namespace {

namespace fs = std::filesystem;

Status write_new(const fs::path& path) {
  auto file = AtomicFile::create(path);
  return file.ok() ? file->commit_new() : Status(file.error());
}

TEST(NumberedFile, TakesTheNumberAfterTheHighest) {
  testing::TemporaryFolder folder;
  for (const char* name : {"a_00002_.png", "a_00007_.webp", "a_9", "ab_00020_.png", "a_x_.png"})
    ASSERT_TRUE(write_file_atomically(folder.path() / name, "").ok());
  const auto made = make_numbered_file(folder.path(), "a", "png", write_new);
  ASSERT_TRUE(made.ok()) << made.error().message();
  EXPECT_EQ(made->filename(), "a_00008_.png");
  EXPECT_EQ(make_numbered_file(folder.path() / "sub", "b", "png", write_new)->filename(),
            "b_00001_.png");
}

TEST(NumberedFile, GoesOnWhereSomebodyElseWasQuicker) {
  testing::TemporaryFolder folder;
  int calls = 0;
  const auto made = make_numbered_file(folder.path(), "a", "png", [&](const fs::path& path) {
    if (++calls <= 2) {
      EXPECT_TRUE(write_file_atomically(path, "another's").ok());
    }
    return write_new(path);
  });
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->filename(), "a_00003_.png");
}

TEST(NumberedFile, SaysWhyThereIsNone) {
  testing::TemporaryFolder folder;
  const auto made = make_numbered_file(folder.path(), "a", "png", [](const fs::path&) {
    return Status(Error(ErrorKind::kDiskFull, "full"));
  });
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().kind(), ErrorKind::kDiskFull);
}

TEST(NumberedFile, KnowsNamesThatLeadOut) {
  for (const char* name : {"", "/a", "..", "a/../../b", "a\\b"})
    EXPECT_FALSE(is_below(name)) << name;
  EXPECT_FALSE(is_below(std::string_view("a\0b", 3)));
  for (const char* name : {"a", "a/b..c", "a/b_"}) EXPECT_TRUE(is_below(name)) << name;
}

}  // namespace
}  // namespace obscura
