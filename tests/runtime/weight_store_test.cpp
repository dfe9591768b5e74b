#include "runtime/weight_store.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/mapped_file.h"

namespace obscura::runtime {
namespace {

constexpr std::int64_t kElements = 1 << 19;

// A tensor of threes in a file of its own, which the test may damage while it is mapped.
class StoredWeights : public testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() /
            ("obscura_weight_store_test_" + std::to_string(::getpid()));
    const std::vector<float> values(kElements, 3.0f);
    const auto bytes = std::as_bytes(std::span(values));
    ASSERT_TRUE(
        write_file_atomically(path_, {reinterpret_cast<const char*>(bytes.data()), bytes.size()})
            .ok());
    auto file = MappedFile::open(path_);
    ASSERT_TRUE(file.ok());
    file_ = std::make_shared<MappedFile>(std::move(file).value());
    store_ = std::make_unique<WeightStore>("threes", file_, Backing::kFile);
    store_->add("w", {DType::kF32, {kElements}, file_->bytes()});
  }
  void TearDown() override { std::filesystem::remove(path_); }

  Status read() { return store_->read(spec_, values_.data()); }

  std::filesystem::path path_;
  std::shared_ptr<MappedFile> file_;
  std::unique_ptr<WeightStore> store_;
  ir::WeightSpec spec_{.parts = {"w"}, .shape = {kElements}};
  std::vector<float> values_ = std::vector<float>(kElements);
};

TEST_F(StoredWeights, AreReadAsTheyAre) {
  ASSERT_TRUE(read().ok());
  EXPECT_EQ(values_, std::vector<float>(kElements, 3.0f));
  EXPECT_TRUE(store_->done_with(store_->stored(spec_)).ok());
}

TEST_F(StoredWeights, AreNotReadFromAFileThatWasCut) {
  std::filesystem::resize_file(path_, 100);
  const Status status = read();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kIo);
  EXPECT_NE(status.error().message().find(path_.string()), std::string::npos);
  EXPECT_FALSE(store_->done_with(store_->stored(spec_)).ok());
}

TEST_F(StoredWeights, AreReadFromAFileThatHasAnotherNameNow) {
  ASSERT_TRUE(write_file_atomically(path_, "another model").ok());
  ASSERT_TRUE(read().ok());
  EXPECT_EQ(values_.back(), 3.0f);
}

}  // namespace
}  // namespace obscura::runtime
