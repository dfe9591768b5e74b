#include "base/mapped_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "base/files.h"

namespace obscura {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSize = 1 << 20;

// Files of a megabyte of ones.
class MappedFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("obscura_mapped_test_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path file(const char* name) const {
    std::ofstream(folder_ / name) << std::string(kSize, '\1');
    return folder_ / name;
  }
  fs::path folder_;
};

TEST_F(MappedFiles, ShowTheFileAsItIs) {
  auto mapped = MappedFile::open(file("a"));
  ASSERT_TRUE(mapped.ok());
  const MappedFile moved = std::move(mapped).value();
  EXPECT_EQ(moved.bytes().size(), kSize);
  EXPECT_TRUE(std::ranges::all_of(moved.bytes(), [](std::byte b) { return b == std::byte{1}; }));
  EXPECT_TRUE(check_unchanged(moved.bytes()).ok());
  EXPECT_TRUE(check_unchanged(moved.bytes().subspan(5000, 1)).ok());
}

TEST_F(MappedFiles, ReadAsZerosWhereTheyWereCut) {
  const fs::path path = file("a");
  auto mapped = MappedFile::open(path);
  ASSERT_TRUE(mapped.ok());
  fs::resize_file(path, 4096);
  EXPECT_EQ(mapped->bytes()[0], std::byte{1});
  EXPECT_EQ(mapped->bytes()[kSize - 1], std::byte{0});
  EXPECT_EQ(mapped->bytes()[kSize / 2], std::byte{0});
  const Status status = check_unchanged(mapped->bytes().subspan(10, 10));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kIo);
  EXPECT_NE(status.error().message().find(path.string()), std::string::npos);
}

TEST_F(MappedFiles, AreChangedOnceTheyWereWritten) {
  const fs::path path = file("a");
  auto mapped = MappedFile::open(path);
  ASSERT_TRUE(mapped.ok());
  fs::last_write_time(path, fs::last_write_time(path) + std::chrono::seconds(1));
  EXPECT_FALSE(check_unchanged(mapped->bytes()).ok());
}

TEST_F(MappedFiles, StayWhatTheyWereUnderAnotherOrNoName) {
  const fs::path path = file("a");
  auto mapped = MappedFile::open(path);
  ASSERT_TRUE(mapped.ok());
  ASSERT_TRUE(write_file_atomically(path, "another file").ok());
  EXPECT_TRUE(check_unchanged(mapped->bytes()).ok());
  fs::remove(path);
  EXPECT_TRUE(check_unchanged(mapped->bytes()).ok());
  EXPECT_EQ(mapped->bytes()[kSize - 1], std::byte{1});
}

TEST_F(MappedFiles, AreForgottenWithTheirObject) {
  for (int i = 0; i < 100; ++i) {
    const fs::path path = file("a");
    auto mapped = MappedFile::open(path);
    ASSERT_TRUE(mapped.ok());
    ASSERT_TRUE(check_unchanged(mapped->bytes()).ok()) << "an earlier mapping had this address";
    if (i % 2 == 0) fs::resize_file(path, 0);
    EXPECT_EQ(mapped->bytes()[0], std::byte(i % 2));
  }
}

TEST_F(MappedFiles, OfOthersStillEndTheProcess) {
  const fs::path path = file("a");
  auto ours = MappedFile::open(file("b"));
  ASSERT_TRUE(ours.ok());
  const int descriptor = ::open(path.c_str(), O_RDONLY);
  const auto* theirs =
      static_cast<const char*>(::mmap(nullptr, kSize, PROT_READ, MAP_PRIVATE, descriptor, 0));
  ASSERT_NE(theirs, MAP_FAILED);
  fs::resize_file(path, 0);
  EXPECT_EXIT(static_cast<void>(*static_cast<const volatile char*>(theirs)),
              testing::KilledBySignal(SIGBUS), "");
  ::munmap(const_cast<char*>(theirs), kSize);
  ::close(descriptor);
}

TEST_F(MappedFiles, AreNotThere) {
  auto missing = MappedFile::open(folder_ / "none");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind(), ErrorKind::kNotFound);
  EXPECT_EQ(MappedFile::open(folder_).error().kind(), ErrorKind::kInvalidInput);
}

TEST(CheckUnchanged, BytesOfNoMappingAre) {
  const std::string text = "text";
  EXPECT_TRUE(check_unchanged(std::as_bytes(std::span(text))).ok());
  EXPECT_TRUE(check_unchanged({}).ok());
}

}  // namespace
}  // namespace obscura
