#include "app/workflow_source.h"

#include <gtest/gtest.h>

#include <string>

#include "base/files.h"
#include "io/png.h"
#include "io/test_folder.h"

namespace obscura::app {
namespace {

using io::TestFolder;
using nlohmann::ordered_json;

constexpr const char* kPrompt =
    R"({"1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}})";
constexpr const char* kEditor = R"({"nodes": [], "links": [], "version": 0.4})";
constexpr const char* kParameters =
    "a cup\nSteps: 9, Sampler: Euler, CFG scale: 6, Seed: 5, Size: 64x64, Model: absent, Magic: on";

Result<ImageWorkflow> found_in(const io::ImageMetadata& texts) {
  return workflow_in_image(texts, library::ModelFolders());
}

// The value of an input, as JSON: "20".
std::string input_of(const graph::Workflow& workflow, const std::string& type,
                     const std::string& name) {
  for (const graph::Workflow::Node& node : workflow.nodes())
    if (node.type() == type) return node.inputs().at(name).dump();
  return "there is no " + type;
}

TEST(WorkflowInImage, IsItsPromptWithTheEditorsDocumentBesideIt) {
  auto found = found_in({{"parameters", kParameters}, {"workflow", kEditor}, {"prompt", kPrompt}});
  ASSERT_TRUE(found.ok()) << found.error().message();
  EXPECT_EQ(input_of(found->file.workflow, "EmptyImage", "width"), "8");
  EXPECT_EQ(found->file.extra_pnginfo["workflow"], ordered_json::parse(kEditor));
  EXPECT_TRUE(found->left_out.empty()) << "the parameters were not needed";
}

TEST(WorkflowInImage, IsMadeOfA1111sParameters) {
  auto found = found_in({{"Software", "x"}, {"parameters", kParameters}});
  ASSERT_TRUE(found.ok()) << found.error().message();
  EXPECT_EQ(input_of(found->file.workflow, "KSampler", "steps"), "9");
  EXPECT_EQ(input_of(found->file.workflow, "CheckpointLoaderSimple", "ckpt_name"),
            "\"absent.safetensors\"")
      << "for --set to replace";
  ASSERT_EQ(found->left_out.size(), 1U);
  EXPECT_NE(found->left_out[0].find("Magic"), std::string::npos) << found->left_out[0];
}

TEST(WorkflowInImage, ThatIsNotThereIsAnError) {
  auto found = found_in({{"Software", "x"}, {"Comment", "y"}});
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().kind(), ErrorKind::kInvalidInput);
  EXPECT_NE(found.error().message().find("found 2 other texts"), std::string::npos);
}

TEST(WorkflowSource, IsADocumentOrAnImageByItsContent) {
  TestFolder folder;
  ASSERT_TRUE(write_file_atomically(folder / "job.txt", kPrompt).ok());
  ASSERT_TRUE(
      io::write_png(folder / "job.json", Tensor::filled({2, 2, 3}, 1), {{"prompt", kPrompt}}).ok());
  for (const char* name : {"job.txt", "job.json"}) {
    auto read = read_workflow_source(folder / name, {});
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_EQ(read->workflow.nodes().size(), 2U) << name;
  }
}

TEST(WorkflowSource, ErrorsNameTheFile) {
  TestFolder folder;
  ASSERT_TRUE(write_file_atomically(folder / "broken.json", "{\"1\":").ok());
  ASSERT_TRUE(io::write_png(folder / "plain.png", Tensor::filled({2, 2, 3}, 1), {}).ok());
  for (const char* name : {"broken.json", "plain.png", "absent.json"}) {
    auto read = read_workflow_source(folder / name, {});
    ASSERT_FALSE(read.ok()) << name;
    EXPECT_NE(read.error().message().find((folder / name).string()), std::string::npos)
        << read.error().message();
  }
}

class ApplySettings : public testing::Test {
 protected:
  graph::Workflow workflow_ = graph::Workflow::from_json(ordered_json::parse(R"({
        "1": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 20}},
        "2": {"class_type": "KSamplerAdvanced", "inputs": {"noise_seed": 2}},
        "3": {"class_type": "KSampler", "_meta": {"title": "Second"},
              "inputs": {"seed": ["4", 0]}}})"))
                                  .value();
};

TEST_F(ApplySettings, TheSeedGoesWhereverANumberIs) {
  ASSERT_TRUE(apply_settings(workflow_, {"1.steps=30"}, 18446744073709551615U).ok());
  EXPECT_EQ(workflow_.nodes()[0].inputs().at("steps"), 30);
  EXPECT_EQ(workflow_.nodes()[0].inputs().at("seed"), 18446744073709551615U);
  EXPECT_EQ(workflow_.nodes()[1].inputs().at("noise_seed"), 18446744073709551615U);
  EXPECT_TRUE(workflow_.nodes()[2].inputs().at("seed").is_array()) << "a wire stays";
}

TEST_F(ApplySettings, ErrorsSayWhichSetting) {
  Status status = apply_settings(workflow_, {"1.steps=30", "1.stepz=3"}, {});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message().rfind("--set 1.stepz=3: ", 0), 0U) << status.error().message();
}

TEST_F(ApplySettings, ASeedThatNothingTakesIsAnError) {
  auto still = graph::Workflow::from_json(ordered_json::parse(kPrompt));
  ASSERT_TRUE(still.ok());
  EXPECT_TRUE(apply_settings(*still, {}, {}).ok());
  Status status = apply_settings(*still, {}, 7);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kInvalidInput);
}

}  // namespace
}  // namespace obscura::app
