// What an image tells about how it was made.
#include <gtest/gtest.h>

#include "nodes/image/recipe.h"
#include "nodes/node_harness.h"
#include "workflows/infotext.h"
#include "workflows/upstream.h"

namespace obscura::nodes {
namespace {

constexpr char kWorkflow[] = R"({
  "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sdxl/base.safetensors"}},
  "2": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["1", 1], "text": "a red: ball"}},
  "3": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["1", 1], "text": "blur"}},
  "4": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 3}},
  "5": {"class_type": "KSampler", "inputs": {"model": ["1", 0], "seed": 7, "steps": 20, "cfg": 6.5,
        "sampler_name": "dpmpp_2m", "scheduler": "karras", "positive": ["2", 0],
        "negative": ["3", 0], "latent_image": ["4", 0], "denoise": 0.5}},
  "6": {"class_type": "VAEDecode", "inputs": {"samples": ["5", 0], "vae": ["1", 2]}},
  "7": {"class_type": "SaveImage", "inputs": {"images": ["6", 0], "filename_prefix": "x"}}
})";

graph::Workflow workflow() {
  return graph::Workflow::parse(kWorkflow).value();
}

TEST(Infotext, IsWhatTheWebUiWrites) {
  EXPECT_EQ(workflows::infotext(workflow(), "7",
                                {.width = 64,
                                 .height = 48,
                                 .seed = 7,
                                 .model_sha256 = "0123456789abcdef",
                                 .version = "Obscura 1"}),
            "a red: ball\n"
            "Negative prompt: blur\n"
            "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 7, "
            "Size: 64x48, Model hash: 0123456789, Model: base, Denoising strength: 0.5, RNG: CPU, "
            "Version: Obscura 1");
}

TEST(Infotext, LeavesOutWhatIsLinked) {
  graph::Workflow linked = workflow();
  linked.set_input("2", "text", nlohmann::ordered_json::array({"9", 0}));
  linked.set_input("3", "text", "");
  std::string text = workflows::infotext(linked, "7", {.width = 1, .height = 1, .version = "v"});
  EXPECT_TRUE(text.starts_with("\nSteps: 20")) << text;
  EXPECT_EQ(workflows::infotext(linked, "1", {}), "");
}

constexpr char kCustom[] = R"({
  "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sdxl/base.safetensors"}},
  "2": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["1", 1], "text": "a ball"}},
  "3": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["1", 1], "text": "blur"}},
  "4": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 3}},
  "5": {"class_type": "VariationNoise", "inputs": {"noise_seed": 7, "generator": "nv",
        "variation_seed": 9, "variation_strength": 0.25, "eta_seed_delta": 0}},
  "6": {"class_type": "CFGGuider", "inputs": {"model": ["1", 0], "positive": ["2", 0],
        "negative": ["3", 0], "cfg": 6.5}},
  "7": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
  "8": {"class_type": "BasicScheduler", "inputs": {"model": ["1", 0], "scheduler": "normal",
        "steps": 20, "denoise": 0.5}},
  "9": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["5", 0], "guider": ["6", 0],
        "sampler": ["7", 0], "sigmas": ["8", 0], "latent_image": ["4", 0]}},
  "10": {"class_type": "VAEDecode", "inputs": {"samples": ["9", 0], "vae": ["1", 2]}},
  "11": {"class_type": "SaveImage", "inputs": {"images": ["10", 0], "filename_prefix": "x"}}
})";

TEST(Infotext, ReadsCustomSamplersAndVariations) {
  const graph::Workflow custom = graph::Workflow::parse(kCustom).value();
  EXPECT_EQ(
      workflows::infotext(custom, "11", {.width = 64, .height = 48, .seed = 7, .version = "v"}),
      "a ball\nNegative prompt: blur\n"
      "Steps: 20, Sampler: Euler, Schedule type: Normal, CFG scale: 6.5, Seed: 7, "
      "Size: 64x48, Model: base, Variation seed: 9, Variation seed strength: 0.25, "
      "Denoising strength: 0.5, RNG: NV, Version: v");
  EXPECT_EQ(workflows::seed_of(custom, "11", 2), 9u) << "the first seed and two";
}

TEST(SeedOf, IsTheSamplersOrTheImagesOwn) {
  graph::Workflow plain = workflow();
  EXPECT_EQ(workflows::seed_of(plain, "7", 2), 7u);
  ASSERT_TRUE(plain
                  .add("8", "LatentSeeds", "",
                       {{"samples", nlohmann::ordered_json::array({"4", 0})}, {"seeds", "40"}})
                  .ok());
  plain.set_input("5", "latent_image", nlohmann::ordered_json::array({"8", 0}));
  EXPECT_EQ(workflows::seed_of(plain, "7", 0), 40u);
  EXPECT_EQ(workflows::seed_of(plain, "7", 2), 42u);
  EXPECT_EQ(workflows::seed_of(plain, "1", 0), std::nullopt);
}

TEST(Upstream, MeetsEachNodeOnceEvenInACircle) {
  graph::Workflow circle = workflow();
  circle.set_input("4", "width", nlohmann::ordered_json::array({"7", 0}));
  EXPECT_EQ(workflows::upstream(circle, "7").size(), 7u);
  EXPECT_EQ(workflows::upstream(circle, "7").front()->id(), "7");
}

TEST(PixelDigest, IsThatOfTheStoredSamples) {
  Tensor pixels(Shape{1, 1, 3}, {0.0f, 0.5f, 1.0f});
  std::string digest = pixel_digest(pixels);
  EXPECT_EQ(digest, pixel_digest(Tensor(Shape{1, 1, 3}, {-1.0f, 128 / 255.0f, 2.0f})));
  EXPECT_NE(digest, pixel_digest(Tensor(Shape{1, 1, 3}, {0.0f, 127 / 255.0f, 1.0f})));
}

}  // namespace
}  // namespace obscura::nodes
