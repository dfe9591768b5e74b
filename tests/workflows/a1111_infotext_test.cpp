// AUTOMATIC1111's parameters, as images carry them, read back as workflows.
#include <gtest/gtest.h>

#include "graph/node_registry.h"
#include "workflows/a1111_infotext.h"

namespace obscura::workflows {
namespace {

using nlohmann::ordered_json;

// As version 1.10 wrote it into an image.
constexpr const char* kInfotext =
    "masterpiece, (ring:1.2), [gold|silver]\non velvet <lora:shiny:0.7>\n"
    "Negative prompt: blurry,\nlowres\n"
    "Steps: 28, Sampler: DPM++ 2M SDE, Schedule type: Karras, CFG scale: 6.5, Seed: 4294967295, "
    "Size: 832x1216, Model hash: 31e35c80fc, Model: xl_base, Clip skip: 2, RNG: NV, "
    "Denoising strength: 0.4, Hires upscale: 1.5, Hires steps: 12, Hires upscaler: Latent, "
    "Lora hashes: \"shiny: 0123456789ab, b: \\\"x\\\"\", Version: v1.10.1";

A1111Names names(const graph::NodeRegistry& nodes, bool keep_unknown = false) {
  return {nodes,
          [](const char* kind) {
            return std::string_view(kind) == "loras"
                       ? std::vector<std::string>{"style/shiny.safetensors"}
                       : std::vector<std::string>{"other.safetensors", "xl_base.safetensors"};
          },
          keep_unknown};
}

// The one node whose choices names of samplers are looked up in.
graph::NodeRegistry node_types() {
  graph::NodeRegistry nodes;
  nodes.add(
      graph::NodeType("KSampler")
          .input(graph::choice("sampler_name", {"euler", "dpmpp_2m_sde"}))
          .input(graph::choice("scheduler", {"normal", "karras"}))
          .run([](graph::NodeCall&) -> Result<graph::NodeResult> { return graph::NodeResult(); }));
  return nodes;
}

TEST(A1111Infotext, IsReadByKeys) {
  const ordered_json read = a1111_read_infotext(kInfotext);
  EXPECT_EQ(read["Prompt"], "masterpiece, (ring:1.2), [gold|silver]\non velvet <lora:shiny:0.7>");
  EXPECT_EQ(read["Negative prompt"], "blurry,\nlowres");
  EXPECT_EQ(read["Steps"], "28");
  EXPECT_EQ(read["Seed"], "4294967295");
  EXPECT_EQ(read["Lora hashes"], "shiny: 0123456789ab, b: \"x\"");
  EXPECT_EQ(read["Version"], "v1.10.1");

  EXPECT_EQ(a1111_read_infotext("\nNegative prompt: x\nSteps: 1")["Negative prompt"], "x");
  EXPECT_EQ(a1111_read_infotext("Negative prompt: x\nSteps: 1")["Prompt"], "");
  EXPECT_EQ(a1111_read_infotext("Steps: 3, Sampler: Euler")["Prompt"], "");
  for (const char* none : {"", "a cup", "a cup\nand: a saucer", "\n\n"})
    EXPECT_TRUE(a1111_read_infotext(none).empty()) << none;
}

TEST(A1111Infotext, BecomesTheRequestThatMadeIt) {
  auto recipe = a1111_recipe(kInfotext);
  ASSERT_TRUE(recipe.ok()) << recipe.error().message();
  const ordered_json& request = recipe->request;
  EXPECT_EQ(request["steps"], 28);
  EXPECT_EQ(request["seed"], 4294967295U);
  EXPECT_EQ(request["cfg_scale"], 6.5);
  EXPECT_EQ(request["width"], 832);
  EXPECT_EQ(request["height"], 1216);
  EXPECT_EQ(request["sampler_name"], "DPM++ 2M SDE");
  EXPECT_EQ(request["override_settings"],
            (ordered_json{{"sd_model_checkpoint", "xl_base"}, {"CLIP_stop_at_last_layers", 2}}));
  EXPECT_EQ(request["hr_scale"], 1.5);
  EXPECT_EQ(request["denoising_strength"], 0.4);
  EXPECT_EQ(recipe->left_out, std::vector<std::string>{"RNG: NV"});

  recipe = a1111_recipe("a cup\nSteps: 20, Denoising strength: 0.5, ControlNet 0: \"canny, 1\"");
  ASSERT_TRUE(recipe.ok());
  ASSERT_EQ(recipe->left_out.size(), 2U);
  EXPECT_EQ(recipe->left_out[0], "ControlNet 0: canny, 1");
  EXPECT_NE(recipe->left_out[1].find("the image it began with"), std::string::npos);
  EXPECT_FALSE(a1111_recipe("holiday, 2019").ok());
}

TEST(A1111Infotext, BecomesAWorkflow) {
  const graph::NodeRegistry nodes = node_types();
  auto made = a1111_workflow_of(kInfotext, names(nodes));
  ASSERT_TRUE(made.ok()) << made.error().message();
  auto node = [&](const std::string& type, const std::string& title = "") {
    for (const auto& [id, entry] : made->prompt.items())
      if (entry["class_type"] == type && (title.empty() || entry["_meta"]["title"] == title))
        return entry["inputs"];
    return ordered_json();
  };
  EXPECT_EQ(node("CheckpointLoaderSimple")["ckpt_name"], "xl_base.safetensors");
  EXPECT_EQ(node("LoraLoader")["lora_name"], "style/shiny.safetensors");
  EXPECT_EQ(node("LoraLoader")["strength_model"], 0.7);
  EXPECT_EQ(node("WebUIPrompt", "Prompt")["text"],
            "masterpiece, (ring:1.2), [gold|silver]\non velvet ");
  EXPECT_EQ(node("WebUIPrompt", "Negative prompt")["side"], "negative");
  EXPECT_EQ(node("EmptyLatentImage")["height"], 1216);
  EXPECT_EQ(node("LatentUpscale")["width"], 1248);
  EXPECT_EQ(node("KSampler")["sampler_name"], "dpmpp_2m_sde");
  EXPECT_EQ(node("KSampler")["scheduler"], "karras");
  EXPECT_EQ(node("SaveImage")["filename_prefix"], "sdapi");
}

TEST(A1111Infotext, KeepsTheNameOfAModelThatIsNotThere) {
  const graph::NodeRegistry nodes = node_types();
  const std::string text = "a cup\nSteps: 20, Model: lost";
  auto refused = a1111_workflow_of(text, names(nodes));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message(), "sd_model_checkpoint: there is no checkpoint \"lost\"");
  auto kept = a1111_workflow_of(text, names(nodes, true));
  ASSERT_TRUE(kept.ok()) << kept.error().message();
  EXPECT_EQ(kept->prompt["1"]["inputs"]["ckpt_name"], "lost.safetensors");
  // None named: the first there is.
  EXPECT_EQ(a1111_workflow_of("a cup\nSteps: 20", names(nodes))->prompt["1"]["inputs"]["ckpt_name"],
            "other.safetensors");
}

TEST(A1111Infotext, MayHoldCommasInQuotes) {
  const auto parameters = a1111_read_infotext(
      "a ring\non velvet\nNegative prompt: night\nSteps: 20, Sampler: Euler, Lora hashes: \"a: 1, "
      "b: 2\", Size: 64x64");
  EXPECT_EQ(parameters["Prompt"], "a ring\non velvet");
  EXPECT_EQ(parameters["Negative prompt"], "night");
  EXPECT_EQ(parameters["Steps"], "20");
  EXPECT_EQ(parameters["Lora hashes"], "a: 1, b: 2");
  EXPECT_EQ(parameters["Size"], "64x64");
  EXPECT_TRUE(a1111_read_infotext("no line").empty());
}

}  // namespace
}  // namespace obscura::workflows
