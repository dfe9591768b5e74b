#include <gtest/gtest.h>

#include <fstream>

#include "base/files.h"
#include "io/image.h"
#include "io/png.h"
#include "io/test_folder.h"
#include "library/folder_paths.h"
#include "library/input_folder.h"
#include "library/model_folders.h"
#include "library/output_folder.h"

namespace obscura::library {
namespace {

using io::TestFolder;

void touch(const std::filesystem::path& path) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << "x";
}

TEST(PathBelow, NeverLeavesTheFolder) {
  for (const char* name : {"", "../x", "a/../../x", "/etc/passwd", "..", "a/..", "a\\..\\x"}) {
    auto path = path_below("/root/folder", name);
    ASSERT_FALSE(path.ok()) << name;
    EXPECT_EQ(path.error().kind(), ErrorKind::kInvalidInput);
  }
  EXPECT_FALSE(path_below("/root", std::string_view("a\0b", 3)).ok());
  EXPECT_EQ(path_below("/root", "sub/a..b.png").value(), "/root/sub/a..b.png");
}

TEST(FilesBelow, EndsWhereALinkLeadsBack) {
  TestFolder folder;
  touch(folder / "a.png");
  std::filesystem::create_directories(folder / "sub");
  std::filesystem::create_directory_symlink(folder.path(), folder / "sub/up");
  const std::string_view extensions[] = {".png"};
  auto names = files_below(folder.path(), extensions);
  ASSERT_FALSE(names.empty());
  EXPECT_EQ(names.front(), "a.png");
  EXPECT_LT(names.size(), 20u);
}

TEST(ModelFolders, ReadComfyUiAndA1111Layouts) {
  TestFolder comfy, a1111, plain;
  touch(comfy / "models/checkpoints/sdxl/base.safetensors");
  touch(comfy / "models/checkpoints/.hidden.safetensors");
  touch(comfy / "models/checkpoints/old.ckpt");
  touch(comfy / "models/loras/style.safetensors");
  touch(a1111 / "Stable-diffusion/anime.safetensors");
  touch(a1111 / "Lora/face.safetensors");
  touch(plain / "alone.safetensors");
  ModelFolders folders;
  for (const TestFolder* root : {&comfy, &a1111, &plain}) folders.add_root(root->path());
  std::vector<std::byte> bytes(8);
  folders.add_embedded("inside.safetensors", bytes, "digest");

  EXPECT_EQ(folders.list("checkpoints"),
            (std::vector<std::string>{"inside.safetensors", "alone.safetensors",
                                      "anime.safetensors", "old.ckpt", "sdxl/base.safetensors"}));
  EXPECT_EQ(folders.list("loras"),
            (std::vector<std::string>{"face.safetensors", "style.safetensors"}));
  EXPECT_EQ(folders.find("checkpoints", "sdxl/base.safetensors").value(),
            comfy / "models/checkpoints/sdxl/base.safetensors");
  EXPECT_EQ(folders.identity("checkpoints", "inside.safetensors").value(), "embedded digest");
}

TEST(ModelFolders, ListDiffusersFoldersByTheirIndex) {
  TestFolder root;
  touch(root / "diffusers/sdxl/model_index.json");
  touch(root / "diffusers/sdxl/unet/config.json");
  touch(root / "diffusers/authors/other/model_index.json");
  touch(root / "diffusers/no_model/config.json");
  ModelFolders folders;
  folders.add_root(root.path());
  EXPECT_EQ(folders.list("diffusers"), (std::vector<std::string>{"authors/other", "sdxl"}));
  EXPECT_EQ(folders.find("diffusers", "sdxl").value(), root / "diffusers/sdxl");
  EXPECT_FALSE(folders.find("diffusers", "no_model").ok());
  std::string before = folders.identity("diffusers", "sdxl").value();
  touch(root / "diffusers/sdxl/vae/config.json");
  EXPECT_NE(folders.identity("diffusers", "sdxl").value(), before);
}

TEST(ModelFolders, SayWhereTheyLookedAndWhatIsNearest) {
  TestFolder root;
  touch(root / "checkpoints/base.safetensors");
  ModelFolders folders;
  folders.add_root(root.path());
  auto missing = folders.find("checkpoints", "bsae.safetensors");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind(), ErrorKind::kNotFound);
  EXPECT_NE(missing.error().message().find((root / "checkpoints").string()), std::string::npos);
  EXPECT_NE(missing.error().message().find("'base.safetensors'"), std::string::npos);
  EXPECT_EQ(folders.find("checkpoints", "../checkpoints/base.safetensors").error().kind(),
            ErrorKind::kInvalidInput);
}

TEST(ModelFolders, IdentityFollowsTheFile) {
  TestFolder root;
  touch(root / "checkpoints/a.safetensors");
  ModelFolders folders;
  folders.add_root(root.path());
  std::string before = folders.identity("checkpoints", "a.safetensors").value();
  EXPECT_EQ(folders.identity("checkpoints", "a.safetensors").value(), before);
  std::ofstream(root / "checkpoints/a.safetensors") << "more";
  EXPECT_NE(folders.identity("checkpoints", "a.safetensors").value(), before);
}

TEST(InputFolder, UnderstandsAnnotatedNames) {
  TestFolder root;
  touch(root / "input/a.png");
  touch(root / "input/notes.txt");
  touch(root / "output/b.png");
  InputFolder folder(root / "input");
  EXPECT_EQ(folder.list(), std::vector<std::string>{"a.png"});
  EXPECT_EQ(folder.find("a.png [input]").value(), root / "input/a.png");
  EXPECT_FALSE(folder.find("b.png [output]").ok());
  folder.set_output(root / "output", root / "output");
  EXPECT_EQ(folder.find("b.png [output]").value(), root / "output/b.png");
  EXPECT_EQ(folder.list_output(), std::vector<std::string>{"b.png [output]"});
  EXPECT_EQ(folder.find("../output/b.png").error().kind(), ErrorKind::kInvalidInput);
  EXPECT_NE(folder.find("aa.png").error().message().find("'a.png'"), std::string::npos);
}

FinishedImage image(std::string prefix) {
  FinishedImage image;
  image.prefix = std::move(prefix);
  image.pixels = Tensor::filled({2, 3, 3}, 0.5f);
  image.metadata = {{"prompt", "{}"}};
  image.recipe = {{"format", 1}};
  return image;
}

TEST(OutputFolder, CountsOnFromTheHighestNumber) {
  TestFolder root;
  touch(root / "shot_00007_.png");
  touch(root / "shot_x_00099_.png");
  touch(root / "shot_00012.png");
  OutputFolder folder({.root = root.path(), .temporary = root.path()});
  EXPECT_EQ(folder.store(image("shot"))->filename, "shot_00008_.png");
  // A second process over the same folder.
  OutputFolder other({.root = root.path(), .temporary = root.path()});
  EXPECT_EQ(other.store(image("shot"))->filename, "shot_00009_.png");
  EXPECT_EQ(folder.store(image("shot"))->filename, "shot_00010_.png");
  StoredFile below = folder.store(image("day/one/shot")).value();
  EXPECT_EQ(below.filename, "shot_00001_.png");
  EXPECT_EQ(below.subfolder, "day/one");
  EXPECT_EQ(below.type, "output");
}

TEST(OutputFolder, RefusesToLeave) {
  TestFolder root;
  OutputFolder folder({.root = root / "out", .temporary = root / "out"});
  for (const char* prefix : {"../shot", "/tmp/shot", "a/../../shot"}) {
    auto stored = folder.store(image(prefix));
    ASSERT_FALSE(stored.ok()) << prefix;
    EXPECT_EQ(stored.error().kind(), ErrorKind::kInvalidInput);
  }
}

TEST(OutputFolder, CarriesTheRecipeOrLeavesItBeside) {
  TestFolder root;
  OutputFolder folder({.root = root.path(), .temporary = root.path()});
  std::filesystem::path path = root / folder.store(image("full"))->filename;
  io::ImageMetadata texts = io::read_metadata(path).value();
  ASSERT_NE(io::find_text(texts, "recipe"), nullptr);
  EXPECT_EQ(*io::find_text(texts, "recipe"), "{\"format\":1}");
  EXPECT_NE(io::find_text(texts, "prompt"), nullptr);

  OutputFolder clean({.root = root.path(), .temporary = root.path(), .clean = true});
  path = root / clean.store(image("clean"))->filename;
  EXPECT_TRUE(io::read_metadata(path)->empty());
  EXPECT_EQ(nlohmann::json::parse(read_file(root / "clean_00001_.recipe.json").value()),
            (nlohmann::json{{"format", 1}}));
}

TEST(ExpandPrefix, KnowsComfyUisTokens) {
  std::tm time{};
  time.tm_year = 126;
  time.tm_mon = 0;
  time.tm_mday = 9;
  time.tm_hour = 7;
  EXPECT_EQ(expand_prefix("%year%-%month%-%day%/%hour%%minute%%second% %width%x%height% "
                          "%batch_num% %what%",
                          time, 640, 480, 3),
            "2026-01-09/070000 640x480 3 %what%");
}

}  // namespace
}  // namespace obscura::library
