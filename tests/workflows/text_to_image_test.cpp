#include "workflows/text_to_image.h"

#include <gtest/gtest.h>

namespace obscura::workflows {
namespace {

using nlohmann::ordered_json;

TextToImage vase() {
  return {.prompt = "a vase",
          .negative = "blurry",
          .model = "m.safetensors",
          .width = 64,
          .height = 32,
          .seed = 7,
          .prefix = "vase"};
}

TEST(TextToImage, IsAWorkflowOfComfyUisNodes) {
  const ordered_json workflow = text_to_image_workflow(vase());
  ASSERT_EQ(workflow.size(), 7U);
  EXPECT_EQ(workflow["2"], (ordered_json{{"class_type", "CLIPTextEncode"},
                                         {"inputs", {{"text", "a vase"}, {"clip", {"1", 1}}}},
                                         {"_meta", {{"title", "Prompt"}}}}));
  EXPECT_EQ(workflow["5"]["inputs"]["latent_image"], (ordered_json{"4", 0}));
  EXPECT_EQ(workflow["6"]["inputs"]["vae"], (ordered_json{"1", 2}));
  EXPECT_EQ(workflow["7"]["inputs"]["filename_prefix"], "vase");
}

TEST(TextToImage, GivesABatchItsSeedsAndKeepsTheOtherIds) {
  TextToImage batch = vase();
  batch.batch_size = 4;
  ordered_json several = text_to_image_workflow(batch), one = text_to_image_workflow(vase());
  EXPECT_EQ(several["8"]["inputs"]["seeds"], "7");
  EXPECT_EQ(several["5"]["inputs"]["latent_image"], (ordered_json{"8", 0}));
  several.erase("8");
  several["5"]["inputs"]["latent_image"] = {"4", 0};
  several["4"]["inputs"]["batch_size"] = 1;
  EXPECT_EQ(several, one);
}

}  // namespace
}  // namespace obscura::workflows
