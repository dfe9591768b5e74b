// The file of kernel choices: no device is needed to read or write it.
#include "backend/cuda/choices.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include "base/files.h"

namespace obscura::backend::cuda {
namespace {

Choices some_choices() {
  return {"NVIDIA H100", "cuDNN 9", {{"conv \"3x3\" f16", 3}, {"matmul 2x3x4", 0}}};
}

TEST(CudaChoices, ComeBackFromTheirText) {
  Result<Choices> read = Choices::parse(some_choices().text());
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(read->device, "NVIDIA H100");
  EXPECT_EQ(read->libraries, "cuDNN 9");
  EXPECT_EQ(read->by_work, some_choices().by_work);
}

TEST(CudaChoices, DigestNamesWhatIsChosen) {
  Choices choices = some_choices(), others = some_choices();
  EXPECT_EQ(choices.digest(), others.digest());
  others.by_work["matmul 2x3x4"] = 1;
  EXPECT_NE(choices.digest(), others.digest());
  EXPECT_EQ(Choices().digest(), "");
}

TEST(CudaChoices, RefuseWhatIsNoSuchDocument) {
  for (const char* text :
       {"", "{", "[]", "{}", R"({"format": "obscura cuda choices 2"})",
        R"({"format": "obscura cuda choices 1", "device": "", "libraries": "x", "choices": {}})",
        R"({"format": "obscura cuda choices 1", "device": "d", "libraries": "x"})",
        R"({"format": "obscura cuda choices 1", "device": "d", "libraries": "x", "choices": []})",
        R"({"format": "obscura cuda choices 1", "device": 4, "libraries": "x", "choices": {}})",
        R"({"format": "obscura cuda choices 1", "device": "d", "libraries": "x",
            "choices": {"w": -1}})",
        R"({"format": "obscura cuda choices 1", "device": "d", "libraries": "x",
            "choices": {"w": 1.5}})"}) {
    Result<Choices> read = Choices::parse(text);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_EQ(read.error().kind(), ErrorKind::kInvalidInput);
  }
}

class CudaChoicesFile : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"OBSCURA_CUDA_CHOICES", "XDG_CACHE_HOME"}) {
      const char* value = std::getenv(name);
      if (value != nullptr) before_[name] = value;
      ::unsetenv(name);
    }
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ("obscura_choices_" + std::to_string(::getpid()));
  }
  void TearDown() override {
    for (const char* name : {"OBSCURA_CUDA_CHOICES", "XDG_CACHE_HOME"}) ::unsetenv(name);
    for (const auto& [name, value] : before_) ::setenv(name.c_str(), value.c_str(), 1);
    std::filesystem::remove_all(folder_);
  }
  void write(const std::filesystem::path& path, const std::string& text) {
    std::filesystem::create_directories(path.parent_path());
    ASSERT_TRUE(write_file_atomically(path, text).ok());
  }

  std::map<std::string, std::string> before_;
  std::filesystem::path folder_;
};

TEST_F(CudaChoicesFile, IsUsedOnTheDeviceItWasMadeOn) {
  ::setenv("XDG_CACHE_HOME", folder_.c_str(), 1);
  EXPECT_EQ(choices_file(), folder_ / "obscura" / "cuda-choices.json");
  auto none = recorded_choices("NVIDIA H100", "cuDNN 9");
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->empty());
  write(choices_file(), some_choices().text());
  auto same = recorded_choices("NVIDIA H100", "cuDNN 9");
  ASSERT_TRUE(same.ok());
  EXPECT_EQ(*same, some_choices().by_work);
  for (auto [device, libraries] :
       {std::pair("NVIDIA H200", "cuDNN 9"), std::pair("NVIDIA H100", "cuDNN 10")}) {
    auto other = recorded_choices(device, libraries);
    ASSERT_TRUE(other.ok());
    EXPECT_TRUE(other->empty()) << device << " " << libraries;
  }
}

TEST_F(CudaChoicesFile, IsAnErrorOnlyWhereItWasAskedFor) {
  ::setenv("XDG_CACHE_HOME", folder_.c_str(), 1);
  write(choices_file(), "damaged");
  EXPECT_TRUE(recorded_choices("d", "l").ok());
  ::setenv("OBSCURA_CUDA_CHOICES", (folder_ / "obscura" / "cuda-choices.json").c_str(), 1);
  EXPECT_FALSE(recorded_choices("d", "l").ok());
  ::setenv("OBSCURA_CUDA_CHOICES", (folder_ / "nothing.json").c_str(), 1);
  auto missing = recorded_choices("d", "l");
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().message().find("nothing.json"), std::string::npos);
}

}  // namespace
}  // namespace obscura::backend::cuda
