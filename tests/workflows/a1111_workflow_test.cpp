// A1111's requests as workflows: what KSampler does not have.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "workflows/a1111_workflow.h"

namespace obscura::workflows {
namespace {

using nlohmann::ordered_json;

std::vector<ordered_json> nodes_in(const ordered_json& workflow, const std::string& type) {
  std::vector<ordered_json> found;
  for (const auto& [id, node] : workflow.items())
    if (node["class_type"] == type) found.push_back(node["inputs"]);
  return found;
}

A1111Job ring() {
  A1111Job job;
  job.prompt = "a ring";
  job.checkpoint = "m.safetensors";
  job.sampler = "euler";
  job.scheduler = "karras";
  job.web_ui_prompts = true;
  job.seed = 7;
  job.steps = 20;
  return job;
}

TEST(A1111Workflow, MakesVariationsOneByOne) {
  A1111Job job = ring();
  job.subseed = 100;
  job.subseed_strength = 0.25;
  job.batch_size = 2;
  job.n_iter = 2;
  const ordered_json workflow = a1111_workflow(job);
  const auto noises = nodes_in(workflow, "VariationNoise");
  ASSERT_EQ(noises.size(), 4U);
  for (std::uint64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(noises[i]["noise_seed"], 7);
    EXPECT_EQ(noises[i]["variation_seed"], 100 + i);
    EXPECT_EQ(noises[i]["variation_strength"], 0.25);
    EXPECT_EQ(noises[i]["generator"], "cpu");
  }
  EXPECT_EQ(nodes_in(workflow, "EmptyLatentImage")[0]["batch_size"], 1);
  EXPECT_TRUE(nodes_in(workflow, "KSampler").empty());
  EXPECT_TRUE(nodes_in(workflow, "LatentSeeds").empty());
  EXPECT_EQ(nodes_in(workflow, "PreviewImage").size(), 4U);
}

TEST(A1111Workflow, KeepsBatchesWithTheNoiseOfAGpu) {
  A1111Job job = ring();
  job.nvidia_noise = true;
  job.eta_seed_delta = 31337;
  job.batch_size = 2;
  job.n_iter = 2;
  const ordered_json workflow = a1111_workflow(job);
  const auto noises = nodes_in(workflow, "VariationNoise");
  ASSERT_EQ(noises.size(), 2U);
  EXPECT_EQ(noises[1]["noise_seed"], 9);
  EXPECT_EQ(noises[1]["generator"], "nv");
  EXPECT_EQ(noises[1]["eta_seed_delta"], 31337);
  EXPECT_EQ(nodes_in(workflow, "EmptyLatentImage")[0]["batch_size"], 2);
}

TEST(A1111Workflow, HandsOverToARefiner) {
  A1111Job job = ring();
  job.refiner = A1111Refiner{"r.safetensors", 0.8};
  job.styles = {"Night", "Close"};
  const ordered_json workflow = a1111_workflow(job);
  EXPECT_EQ(nodes_in(workflow, "SplitSigmas")[0]["step"], 16);
  const auto guiders = nodes_in(workflow, "CFGGuider");
  ASSERT_EQ(guiders.size(), 2U);
  EXPECT_NE(guiders[0]["model"], guiders[1]["model"]);
  const auto samplers = nodes_in(workflow, "SamplerCustomAdvanced");
  ASSERT_EQ(samplers.size(), 2U);
  EXPECT_EQ(samplers[0]["sigmas"][1], 0);
  EXPECT_EQ(samplers[1]["sigmas"][1], 1);
  EXPECT_EQ(nodes_in(workflow, "DisableNoise").size(), 1U);
  EXPECT_EQ(nodes_in(workflow, "WebUIPrompt")[0]["styles"], "Night, Close");

  job.hires.emplace();
  job.hires->method = "bilinear";
  EXPECT_EQ(nodes_in(a1111_workflow(job), "SplitSigmas").size(), 1U) << "in the hires fix alone";
  job.hires.reset();
  job.refiner->switch_at = 0;
  EXPECT_EQ(nodes_in(a1111_workflow(job), "CFGGuider").size(), 2U);
  EXPECT_EQ(nodes_in(a1111_workflow(job), "SamplerCustomAdvanced").size(), 1U);
}

TEST(A1111Workflow, BeginsBelowTheMaskAsItIsAsked) {
  using Content = A1111Start::Content;
  A1111Job job = ring();
  job.start.emplace();
  job.start->image = "sdapi/i.png";
  job.start->mask = "sdapi/m.png";
  auto begun = [&](Content content, const std::string& filled = "") {
    job.start->content = content;
    job.start->filled = filled;
    return a1111_workflow(job);
  };
  EXPECT_TRUE(nodes_in(begun(Content::kOriginal), "LatentCompositeMasked").empty());
  const ordered_json fill = begun(Content::kFill, "sdapi/f.png");
  EXPECT_EQ(nodes_in(fill, "LoadImage").size(), 2U);
  EXPECT_EQ(nodes_in(begun(Content::kLatentNothing), "LatentCompositeMasked").size(), 1U);
  EXPECT_TRUE(nodes_in(begun(Content::kLatentNothing), "AddNoise").empty());
  const ordered_json noise = begun(Content::kLatentNoise);
  EXPECT_EQ(nodes_in(noise, "AddNoise").size(), 1U);
  EXPECT_EQ(nodes_in(noise, "SetFirstSigma")[0]["sigma"], 1.0);
  EXPECT_EQ(nodes_in(noise, "SetLatentNoiseMask").size(), 1U);
}

TEST(A1111Workflow, NamesModelsSeedsAndMasks) {
  A1111Job job;
  job.prompt = "a ring";
  job.checkpoint = "m.safetensors";
  job.sampler = "euler";
  job.scheduler = "normal";
  job.loras = {{"l.safetensors", 0.5, 0.25}};
  job.seed = 7;
  job.batch_size = 2;
  job.n_iter = 2;
  job.clip_skip = 2;
  ordered_json workflow = a1111_workflow(job);
  const auto samplers = nodes_in(workflow, "KSampler");
  ASSERT_EQ(samplers.size(), 2U);
  EXPECT_EQ(samplers[0]["seed"], 7);
  EXPECT_EQ(samplers[1]["seed"], 9);
  EXPECT_EQ(nodes_in(workflow, "LatentSeeds")[1]["seeds"], "9");
  EXPECT_EQ(nodes_in(workflow, "LoraLoader")[0]["strength_clip"], 0.25);
  EXPECT_EQ(nodes_in(workflow, "CLIPSetLastLayer")[0]["stop_at_clip_layer"], -2);
  EXPECT_EQ(nodes_in(workflow, "PreviewImage").size(), 2U);

  job.start = A1111Start();
  job.start->image = "sdapi/i.png";
  job.start->mask = "sdapi/m.png";
  job.start->content = A1111Start::Content::kOriginal;
  job.start->crop = A1111Box{8, 16, 64, 32};
  job.denoise = 0.5;
  job.steps = 20;
  workflow = a1111_workflow(job);
  EXPECT_EQ(nodes_in(workflow, "KSampler")[0]["steps"], 10);
  EXPECT_EQ(nodes_in(workflow, "SetLatentNoiseMask").size(), 2U);
  EXPECT_EQ(nodes_in(workflow, "ImageCompositeMasked")[0]["x"], 8);
  EXPECT_EQ(nodes_in(workflow, "ImageCompositeMasked")[0]["y"], 16);
  EXPECT_EQ(nodes_in(workflow, "ImageBlur")[0]["blur_radius"], 10);
}

}  // namespace
}  // namespace obscura::workflows
