// Workflows as people write and share them, in ComfyUI's editor form and its API form, run from
// beginning to end; and broken ones, each of which gets one sentence.
#include <gtest/gtest.h>

#include <cmath>

#include "nodes/workflow_run.h"
#include "test_paths.h"

namespace obscura::nodes {
namespace {

std::string text_of(const std::string& folder, const std::string& name) {
  return read_file(source_path("tests/nodes/").string() + folder + "/" + name + ".json").value();
}

WorkflowRunner& runner() {
  static WorkflowRunner runner;
  return runner;
}

double deviation(const Tensor& image) {
  double mean = 0, square = 0;
  for (float value : image.values()) mean += value / static_cast<double>(image.elements());
  for (float value : image.values())
    square += (value - mean) * (value - mean) / static_cast<double>(image.elements());
  return std::sqrt(square);
}

struct Wanted {
  const char* name;
  std::size_t images;
  std::int64_t width, height;
};

void PrintTo(const Wanted& wanted, std::ostream* out) {
  *out << wanted.name;
}

class UserWorkflow : public testing::TestWithParam<Wanted> {};

TEST_P(UserWorkflow, Runs) {
  const Wanted& wanted = GetParam();
  auto saved = runner().run(text_of("user_workflows", wanted.name));
  ASSERT_TRUE(saved.ok()) << saved.error().message();
  ASSERT_EQ(saved->images.size(), wanted.images);
  for (const library::FinishedImage& image : saved->images) {
    EXPECT_EQ(image.pixels.shape(), (Shape{wanted.height, wanted.width, 3}));
    EXPECT_GT(deviation(image.pixels), 0.02) << "a flat image";
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, UserWorkflow,
    testing::Values(Wanted{"api_default", 1, 64, 64}, Wanted{"api_image_to_image", 1, 96, 64},
                    Wanted{"api_differential_inpaint", 1, 256, 256},
                    Wanted{"api_custom_advanced", 1, 64, 64}, Wanted{"api_areas", 1, 128, 64},
                    Wanted{"api_split_sigmas", 1, 64, 64}, Wanted{"api_hires", 1, 96, 96},
                    Wanted{"api_request_body", 1, 64, 64}, Wanted{"api_model_patches", 1, 64, 64},
                    Wanted{"api_images_only", 1, 80, 60}, Wanted{"api_merge", 1, 64, 64},
                    Wanted{"api_strings", 1, 64, 64}, Wanted{"editor_default", 1, 64, 64},
                    Wanted{"editor_reroute_primitive", 1, 64, 64},
                    Wanted{"editor_bypassed_lora", 1, 64, 64},
                    Wanted{"editor_muted_branch", 1, 64, 64}, Wanted{"editor_new_form", 2, 72, 64},
                    Wanted{"editor_subgraph", 1, 64, 64}, Wanted{"editor_hand_over", 1, 64, 64},
                    Wanted{"editor_batches", 4, 64, 64}),
    [](const auto& test) { return std::string(test.param.name); });

struct Broken {
  const char* name;
  std::vector<std::string> said;  // the node, and the cure
};

class BrokenWorkflow : public testing::TestWithParam<Broken> {};

TEST_P(BrokenWorkflow, GetsOneSentenceWithNodeAndCure) {
  auto saved = runner().run(text_of("broken_workflows", GetParam().name));
  ASSERT_FALSE(saved.ok());
  const std::string& message = saved.error().message();
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  for (const std::string& part : GetParam().said)
    EXPECT_NE(message.find(part), std::string::npos) << part << " is missing in: " << message;
}

INSTANTIATE_TEST_SUITE_P(
    All, BrokenWorkflow,
    testing::Values(Broken{"misspelt_class", {"node 3", "KSamplr", "KSampler"}},
                    Broken{"missing_checkpoint",
                           {"node 4", "pocket-xl-bse.safetensors", "pocket-xl-base.safetensors"}},
                    Broken{"missing_vae", {"node 8", "vae", "VAE"}},
                    Broken{"latent_as_image", {"node 9", "IMAGE", "LATENT", "VAEDecode"}},
                    Broken{"no_steps", {"node 3", "steps", "at least 1", "0"}}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace obscura::nodes
