#include "base/files.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

namespace obscura {
namespace {

std::filesystem::path fresh_folder() {
  auto folder =
      std::filesystem::temp_directory_path() / ("obscura_files_test_" + std::to_string(::getpid()));
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  auto folder = fresh_folder();
  {
    auto file = AtomicFile::create(folder / "image.png");
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->write("half an image").ok());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

TEST(AtomicFile, CommitReplacesAndCommitNewRefuses) {
  auto folder = fresh_folder();
  ASSERT_TRUE(write_file_atomically(folder / "a", "one").ok());
  ASSERT_TRUE(write_file_atomically(folder / "a", "two").ok());
  EXPECT_EQ(*read_text_file(folder / "a"), "two");

  auto file = AtomicFile::create(folder / "a");
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->write("three").ok());
  EXPECT_FALSE(file->commit_new().ok());
  EXPECT_EQ(*read_text_file(folder / "a"), "two");
}

TEST(AtomicFile, IsNotTakenForAbandonedWhileItIsWritten) {
  auto folder = fresh_folder();
  std::atomic<bool> over = false;
  std::thread cleaner([&] {
    while (!over) remove_abandoned_files(folder);
  });
  int kept = 0;
  for (int i = 0; i < 100; ++i) kept += write_file_atomically(folder / "a", "one").ok() ? 1 : 0;
  over = true;
  cleaner.join();
  EXPECT_EQ(kept, 100);
}

TEST(MappedFile, MissingFileIsNotFound) {
  auto file = MappedFile::open("/no/such/file");
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().kind(), ErrorKind::kNotFound);
}

}  // namespace
}  // namespace obscura
