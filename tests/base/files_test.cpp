#include "base/files.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
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
  EXPECT_EQ(*read_file(folder / "a"), "two");

  auto file = AtomicFile::create(folder / "a");
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->write("three").ok());
  EXPECT_FALSE(file->commit_new().ok());
  EXPECT_EQ(*read_file(folder / "a"), "two");
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

// A umask is the whole process's: to ask for it is to change it, and other threads' files with it.
TEST(AtomicFile, IsAsPrivateAsTheUmaskSaysFromTheStart) {
  const auto folder = fresh_folder();
  const mode_t before = ::umask(077);
  auto write = [&](const char* name) {
    for (int i = 0; i < 300; ++i) {
      auto file = AtomicFile::create(folder / name / std::to_string(i));
      ASSERT_TRUE(file.ok());
      EXPECT_EQ(std::filesystem::status(file->temporary()).permissions(),
                std::filesystem::perms(0600));
      ASSERT_TRUE(file->commit().ok());
    }
  };
  std::thread other(write, "other");
  write("one");
  other.join();
  EXPECT_EQ(::umask(before), 077U);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    EXPECT_EQ(entry.status().permissions(),
              std::filesystem::perms(entry.is_directory() ? 0700 : 0600))
        << entry.path();
  }
}

TEST(AtomicFile, MayHaveTheLongestName) {
  const auto path = fresh_folder() / std::string(255, 'n');
  ASSERT_TRUE(write_file_atomically(path, "one").ok());
  EXPECT_EQ(*read_file(path), "one");
}

TEST(RemoveAbandonedFiles, TakesOursAlone) {
  const auto folder = fresh_folder();
  {
    auto file = AtomicFile::create(folder / "sub" / "a.png");
    ASSERT_TRUE(file.ok());
    // As a killed process leaves it.
    std::filesystem::copy_file(file->temporary(), folder / "sub/.obscura-tmp-abcdefgh");
  }
  for (const char* name : {"notes.tmp-123456", "data.safetensors.tmp-a1b2c3", "sub/.obscura-tmp-"})
    std::ofstream(folder / name) << "somebody's";
  remove_abandoned_files(folder);
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.insert(entry.path().filename());
  EXPECT_EQ(names,
            (std::set<std::string>{"data.safetensors.tmp-a1b2c3", "notes.tmp-123456", "sub"}));
  EXPECT_TRUE(std::filesystem::exists(folder / "sub/.obscura-tmp-"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "sub"),
                          std::filesystem::directory_iterator()),
            1);
}

TEST(ReadFile, RefusesWhatIsMissingLargeOrNoFile) {
  const auto folder = fresh_folder();
  ASSERT_TRUE(write_file_atomically(folder / "a", std::string(3000, 'x')).ok());
  EXPECT_EQ(read_file(folder / "a")->size(), 3000U);
  EXPECT_EQ(read_file(folder / "b").error().kind(), ErrorKind::kNotFound);
  EXPECT_EQ(read_file(folder).error().kind(), ErrorKind::kInvalidInput);
  const auto large = read_file(folder / "a", 2999);
  ASSERT_FALSE(large.ok());
  EXPECT_NE(large.error().message().find("is larger than 3 KiB"), std::string::npos)
      << large.error().message();
}

}  // namespace
}  // namespace obscura
