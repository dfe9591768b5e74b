#include "app/model_defaults.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include "base/hash.h"
#include "checkpoint/pocket.h"
#include "io/safetensors_writer.h"
#include "io/test_folder.h"

namespace obscura::app {
namespace {

using io::TestFolder;

void write_model(const std::filesystem::path& path, const io::SafetensorsMetadata& metadata) {
  std::filesystem::create_directories(path.parent_path());
  auto writer = io::SafetensorsWriter::create(path, {{"x", DType::kF32, Shape{1}}}, metadata);
  ASSERT_TRUE(writer.ok()) << writer.error().message();
  const std::byte zeros[4] = {};
  ASSERT_TRUE(writer->write("x", zeros).ok());
  ASSERT_TRUE(writer->commit().ok());
}

TEST(OpenModelFolders, AddsThePocketModelToThoseOfTheRoots) {
  TestFolder folder;
  write_model(folder / "checkpoints/own.safetensors", {});
  library::ModelFolders models;
  open_model_folders(models, {folder.path()});
  EXPECT_EQ(
      models.list("checkpoints"),
      (std::vector<std::string>{std::string(checkpoint::kPocketModelName), "own.safetensors"}));
}

// Recipes name the model by its digest.
TEST(OpenModelFolders, KnowsThePocketModelByItsDigest) {
  library::ModelFolders models;
  open_model_folders(models, {"/nowhere"});
  EXPECT_EQ(models.sha256(checkpoint::kPocketModelName, CancelToken()).value(),
            sha256_hex(checkpoint::pocket_model()));
}

TEST(TrainedSize, IsWhatTheFileSays) {
  TestFolder folder;
  write_model(folder / "checkpoints/small.safetensors", {{"modelspec.resolution", "512x768"}});
  write_model(folder / "checkpoints/silent.safetensors", {{"modelspec.title", "x"}});
  EXPECT_EQ(trained_size({folder.path()}, "small.safetensors").value(), "512x768");
  EXPECT_EQ(trained_size({folder.path()}, "silent.safetensors").value(), "1024x1024")
      << "SDXL's own";
  EXPECT_EQ(trained_size({folder.path()}, std::string(checkpoint::kPocketModelName)).value(),
            "256x256");
}

TEST(TrainedSize, OfAModelThatIsNotThereIsAnError) {
  TestFolder folder;
  auto size = trained_size({folder.path()}, "absent.safetensors");
  ASSERT_FALSE(size.ok());
  EXPECT_EQ(size.error().kind(), ErrorKind::kNotFound);
  EXPECT_NE(size.error().message().find("absent.safetensors"), std::string::npos);
}

}  // namespace
}  // namespace obscura::app
