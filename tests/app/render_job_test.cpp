#include "app/render_job.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/image_job.h"
#include "base/files.h"
#include "io/image.h"
#include "io/test_folder.h"

namespace obscura::app {
namespace {

using io::TestFolder;
using nlohmann::json;

RenderFlags parsed(std::vector<std::string> words) {
  CLI::App program("test");
  RenderFlags flags;
  flags.declare(program);
  flags.engine.declare_preview_method(program);
  std::reverse(words.begin(), words.end());  // as CLI11 wants them
  program.parse(words);
  return flags;
}

TEST(EngineFlags, BecomeTheEnginesOptions) {
  const RenderFlags flags = parsed({"--device", "cpu", "--precision", "fp32", "--budget", "512MiB",
                                    "--models", "a", "--models", "b", "--preview-method", "none"});
  auto options = flags.engine.options("beside/input");
  ASSERT_TRUE(options.ok()) << options.error().message();
  EXPECT_EQ(options->device, "cpu");
  EXPECT_EQ(options->precision, "fp32");
  EXPECT_EQ(options->budget, std::size_t{512} << 20);
  EXPECT_EQ(options->models, (std::vector<std::filesystem::path>{"a", "b"}));
  EXPECT_EQ(options->previews, library::PreviewMethod::kNone);
  EXPECT_EQ(options->input, "beside/input") << "where nothing else was said";
}

TEST(EngineFlags, LeaveTheBudgetToTheDeviceUnlessGiven) {
  auto options = parsed({"--input", "own"}).engine.options("beside/input");
  ASSERT_TRUE(options.ok());
  EXPECT_FALSE(options->budget.has_value());
  EXPECT_EQ(options->device, "auto");
  EXPECT_EQ(options->input, "own");
}

TEST(EngineFlags, ErrorsNameTheFlag) {
  auto budget = parsed({"--budget", "much"}).engine.options("");
  ASSERT_FALSE(budget.ok());
  EXPECT_EQ(budget.error().message().rfind("--budget: ", 0), 0U) << budget.error().message();
  auto method = parsed({"--preview-method", "fast"}).engine.options("");
  ASSERT_FALSE(method.ok());
  EXPECT_EQ(method.error().message(),
            "--preview-method: wanted auto, taesd, latent2rgb or none, found fast");
}

class RenderJob : public testing::Test {
 protected:
  RenderJob() {
    flags_.engine.device = "cpu";
    flags_.out = (folder_ / "out").string();
    flags_.quiet = true;
  }
  // What is written to standard output.
  std::string render_job(const graph::WorkflowFile& job) {
    testing::internal::CaptureStdout();
    status_ = render(job, flags_, folder_.path());
    return testing::internal::GetCapturedStdout();
  }

  TestFolder folder_;
  RenderFlags flags_;
  Status status_;
};

TEST_F(RenderJob, PrintsThePathOfTheImage) {
  const std::string said = render_job(image_job());
  ASSERT_TRUE(status_.ok()) << status_.error().message();
  EXPECT_EQ(said, (folder_ / "out/red_00001_.png").string() + "\n");
  auto image = io::read_image(said.substr(0, said.size() - 1));
  ASSERT_TRUE(image.ok()) << image.error().message();
  EXPECT_EQ(image->pixels.shape(), (Shape{4, 8, 3}));
  EXPECT_EQ(image->pixels.data()[0], 1);
  EXPECT_NE(io::find_text(image->metadata, "recipe"), nullptr);
}

TEST_F(RenderJob, KeepsACleanImageFromTellingHowItWasMade) {
  flags_.clean = true;
  const std::string said = render_job(image_job());
  ASSERT_TRUE(status_.ok()) << status_.error().message();
  auto image = io::read_image(said.substr(0, said.size() - 1));
  ASSERT_TRUE(image.ok());
  EXPECT_TRUE(image->metadata.empty());
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out/red_00001_.recipe.json"));
}

TEST_F(RenderJob, TellsProgramsOfTheResult) {
  flags_.json = true;
  std::istringstream lines(render_job(image_job()));
  ASSERT_TRUE(status_.ok());
  json result;
  for (std::string line; std::getline(lines, line);)
    if (json event = json::parse(line); event["event"] == "result") result = event;
  ASSERT_TRUE(result.is_object());
  EXPECT_EQ(result["path"], (folder_ / "out/red_00001_.png").string());
  EXPECT_EQ(result["node"], "2");
  EXPECT_EQ(result["index"], 0);
  EXPECT_EQ(result["sha256"].get<std::string>().size(), 64U);
  EXPECT_TRUE(result["seed"].is_null()) << "nothing was drawn";
}

TEST_F(RenderJob, TellsProgramsOfAnErrorAndWritesNothing) {
  flags_.json = true;
  graph::WorkflowFile job = image_job();
  job.workflow.set_input("1", "width", -1);
  const json event = json::parse(render_job(job));
  ASSERT_FALSE(status_.ok());
  EXPECT_EQ(event["event"], "error");
  EXPECT_EQ(event["message"], status_.error().message());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/red_00001_.png"));
}

}  // namespace
}  // namespace obscura::app
