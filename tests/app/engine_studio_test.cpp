#include "app/engine_studio.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "app/image_job.h"
#include "app/memory_sink.h"
#include "base/files.h"
#include "graph/validate.h"
#include "io/image.h"
#include "io/png.h"
#include "io/test_folder.h"
#include "server/jobs/made_file.h"
#include "server/studio/project_folders.h"

namespace obscura::app {
namespace {

class EngineStudioTest : public testing::Test {
 protected:
  EngineStudioTest() {
    options_.device = "cpu";
    options_.models = {folder_.path()};
    engine_ = Engine::open(options_, sink_).value();
    studio_ = std::make_unique<EngineStudio>(*engine_, options_, folder_.path());
  }

  static std::string png(const Tensor& pixels, const io::ImageMetadata& texts = {}) {
    const std::vector<std::byte> bytes = io::encode_png(pixels, texts).value();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  static io::Image read(const std::string& file) {
    return io::decode_image(std::as_bytes(std::span(file)), "x").value();
  }
  // Black, and white in a box.
  static std::string mask(int width, int height, const server::ImageBox& box) {
    Tensor pixels = Tensor::filled({height, width, 3}, 0);
    for (int y = box.y; y < box.y + box.height; ++y)
      for (int x = box.x; x < box.x + box.width; ++x)
        for (int c = 0; c < 3; ++c) pixels.data()[(y * width + x) * 3 + c] = 1;
    return png(pixels);
  }
  std::vector<int> box_of(const std::string& file, const server::MaskBoxRequest& request) {
    const server::ImageBox box = studio_->mask_box(file, request).value();
    return {box.x, box.y, box.width, box.height};
  }

  io::TestFolder folder_;
  EngineOptions options_;
  MemorySink sink_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<EngineStudio> studio_;
};

using Box = std::vector<int>;

TEST_F(EngineStudioTest, ConvertsToTheFormatAndSideThatIsAskedFor) {
  const std::string file = png(Tensor::filled({20, 40, 3}, 0.5F), {{"prompt", "{}"}});
  const std::string small = studio_->convert(file, {.format = "jpeg", .side = 10}).value();
  EXPECT_EQ(io::recognise_image(std::as_bytes(std::span(small))), io::ImageFormat::kJpeg);
  EXPECT_EQ(read(small).pixels.shape(), (Shape{5, 10, 3}));
  EXPECT_EQ(read(studio_->convert(file, {.side = 100}).value()).pixels.shape(), (Shape{20, 40, 3}))
      << "it is never made larger";
  EXPECT_EQ(read(studio_->convert(file, {.format = "png"}).value()).metadata.size(), 1U);
  EXPECT_FALSE(studio_->convert("no image", {}).ok());
}

TEST_F(EngineStudioTest, TakesAlphaAndColoursApart) {
  Tensor pixels = Tensor::filled({1, 1, 4}, 0.2F);
  pixels.data()[3] = 0.6F;
  const std::string file = png(pixels);
  const io::Image colours =
      read(studio_->convert(file, {.format = "png", .channel = "rgb"}).value());
  EXPECT_EQ(colours.pixels.shape(), (Shape{1, 1, 3}));
  EXPECT_NEAR(colours.pixels.data()[0], 0.2F, 1e-6);
  const io::Image alpha = read(studio_->convert(file, {.format = "png", .channel = "a"}).value());
  EXPECT_NEAR(alpha.pixels.data()[0], 0.6F, 1e-6);
}

TEST_F(EngineStudioTest, JoinsColoursWithTheAlphaOfAMaskOfTheirSize) {
  const std::string image = png(Tensor::filled({2, 2, 3}, 1), {{"prompt", "{}"}});
  const io::Image joined =
      read(studio_->with_alpha(image, png(Tensor::filled({2, 2, 4}, 0.4F))).value());
  EXPECT_EQ(joined.pixels.shape(), (Shape{2, 2, 4}));
  EXPECT_EQ(joined.pixels.data()[0], 1);
  EXPECT_NEAR(joined.pixels.data()[3], 0.4F, 1e-6);
  EXPECT_EQ(joined.metadata.size(), 1U) << "with its texts";
  EXPECT_EQ(studio_->with_alpha(image, png(Tensor::filled({3, 2, 4}, 0))).error().message(),
            "wanted a mask of 2x2, as the image, found 2x3");
  EXPECT_FALSE(studio_->with_alpha(image, png(Tensor::filled({2, 2, 3}, 0))).ok());
}

TEST_F(EngineStudioTest, BoxesWhatAMaskShows) {
  const std::string file = mask(40, 30, {.x = 10, .y = 12, .width = 8, .height = 4});
  EXPECT_EQ(box_of(file, {.aspect = 2}), (Box{10, 12, 8, 4}));
  EXPECT_EQ(box_of(file, {.padding = 2, .aspect = 12.0 / 8}), (Box{8, 10, 12, 8}));
  EXPECT_EQ(box_of(file, {}), (Box{10, 10, 8, 8})) << "grown around its middle";
  EXPECT_EQ(box_of(file, {.padding = 100, .aspect = 4.0 / 3}), (Box{0, 0, 40, 30}));
  const std::string corner = mask(40, 30, {.x = 0, .y = 28, .width = 10, .height = 2});
  EXPECT_EQ(box_of(corner, {}), (Box{0, 20, 10, 10})) << "moved so that it lies inside";
  const std::string none = mask(4, 4, {});
  EXPECT_EQ(studio_->mask_box(none, {}).error().message(), "the mask shows nothing");
  EXPECT_EQ(box_of(none, {.invert = true}), (Box{0, 0, 4, 4}));
}

TEST_F(EngineStudioTest, FillsWhatAMaskOfAnySizeShows) {
  const std::string image = png(Tensor::filled({16, 16, 3}, 0.8F));
  const io::Image filled =
      read(studio_->fill_masked(image, mask(8, 8, {.x = 2, .y = 2, .width = 3, .height = 3}), false)
               .value());
  EXPECT_EQ(filled.pixels.shape(), (Shape{16, 16, 3}));
  EXPECT_NEAR(filled.pixels.data()[(6 * 16 + 6) * 3], 0.8F, 1.0 / 255) << "the colour around it";
}

TEST_F(EngineStudioTest, KnowsModelsByTheirNamesAndWhatTheyHold) {
  EXPECT_TRUE(studio_->check_model_name("loras", "a/b.SAFETENSORS").ok());
  EXPECT_FALSE(studio_->check_model_name("loras", "a.txt").ok());
  EXPECT_FALSE(studio_->check_model_name("diffusers", "a.safetensors").ok());
  ASSERT_TRUE(write_file_atomically(folder_ / "x.safetensors", "no model").ok());
  EXPECT_FALSE(studio_->inspect_model("checkpoints", folder_ / "x.safetensors").ok());
}

// Takes what a job makes, and names it as a service would.
class Taking final : public server::RunObserver {
 public:
  Result<server::PlacedFile> made(const server::MadeFile& file) override {
    made_.push_back(file.prefix + "." + file.extension);
    return server::PlacedFile{"", made_.back()};
  }
  const std::vector<std::string>& files() const { return made_; }

 private:
  std::vector<std::string> made_;
};

TEST_F(EngineStudioTest, HandsOverWhatAJobMakes) {
  Taking taking;
  const server::JobToRun job{.project = "one",
                             .workflow = graph::validate(image_job().workflow, studio_->nodes(),
                                                         studio_->environment("one"), {})};
  ASSERT_TRUE(job.workflow.runnable());
  ASSERT_TRUE(studio_->run(job, taking, CancelToken()).ok());
  EXPECT_TRUE(sink_.images().empty()) << "the engine's own sink is for no project";
  EXPECT_EQ(taking.files(), std::vector<std::string>{"red.png"});
  CancelToken cancelled;
  cancelled.cancel();
  studio_->release(false, true);
  EXPECT_EQ(studio_->run(job, taking, cancelled).error().kind(), ErrorKind::kCancelled);
}

TEST_F(EngineStudioTest, ReadsStylesOfTheProjectsInputFolder) {
  EXPECT_TRUE(studio_->prompt_styles("one").empty());
  const std::filesystem::path project = server::project_folder(folder_.path(), "one");
  ASSERT_TRUE(write_file_atomically(project / "input/styles.csv",
                                    "name,prompt,negative_prompt\nold,\"film, {prompt}\",new\n")
                  .ok());
  const auto styles = studio_->prompt_styles("one");
  ASSERT_EQ(styles.size(), 1U);
  EXPECT_EQ(styles[0].prompt, "film, {prompt}");
  EXPECT_EQ(styles[0].negative, "new");
}

}  // namespace
}  // namespace obscura::app
