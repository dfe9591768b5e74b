// EasyCache, LazyCache and TomePatchModel in a workflow: what the user is told, and what the recipe
// keeps.
#include <gtest/gtest.h>

#include <regex>

#include "graph/json_text.h"
#include "nodes/workflow_run.h"

namespace obscura::nodes {
namespace {

using nlohmann::ordered_json;

// Keeps what nodes warn of.
class WarningKeeper final : public graph::Observer {
 public:
  void warned(const graph::NodeRef&, const std::string& text) override { warnings.push_back(text); }
  std::vector<std::string> warnings;
};

// Ten steps of 64x64 with a patch on the model.
std::string patched_workflow(const std::string& patch, ordered_json inputs) {
  inputs["model"] = {"1", 0};
  ordered_json workflow;
  auto add = [&](const char* id, const std::string& type, ordered_json given) {
    workflow[id] = {{"class_type", type}, {"inputs", std::move(given)}};
  };
  add("1", "CheckpointLoaderSimple", {{"ckpt_name", checkpoint::kPocketModelName}});
  add("2", "CLIPTextEncode", {{"clip", {"1", 1}}, {"text", "a red bottle"}});
  add("3", "EmptyLatentImage", {{"width", 64}, {"height", 64}, {"batch_size", 1}});
  add("4", patch, std::move(inputs));
  add("5", "KSampler",
      {{"model", {"4", 0}},
       {"positive", {"2", 0}},
       {"negative", {"2", 0}},
       {"latent_image", {"3", 0}},
       {"seed", 1},
       {"steps", 10},
       {"cfg", 1},
       {"sampler_name", "euler"},
       {"scheduler", "normal"},
       {"denoise", 1}});
  add("6", "VAEDecode", {{"samples", {"5", 0}}, {"vae", {"1", 2}}});
  add("7", "SaveImage", {{"images", {"6", 0}}, {"filename_prefix", "reuse"}});
  return workflow.dump();
}

struct Patched {
  KeepingSink sink;
  WarningKeeper observer;
};

Patched run_patched(const std::string& patch, ordered_json inputs) {
  static WorkflowRunner runner;
  Patched result;
  const Status status =
      runner.run_into(patched_workflow(patch, std::move(inputs)), result.sink, result.observer);
  EXPECT_TRUE(status.ok()) << status.error().message();
  return result;
}

TEST(StepReuseNodes, SayWhatTheyLeftOutAndStandInTheRecipe) {
  for (const char* node : {"EasyCache", "LazyCache"}) {
    auto run = [&](bool verbose) {
      return run_patched(node, {{"reuse_threshold", 1},
                                {"start_percent", 0.15},
                                {"end_percent", 0.95},
                                {"verbose", verbose}});
    };
    const Patched loud = run(true);
    ASSERT_EQ(loud.observer.warnings.size(), 1u);
    const std::regex said(std::string(node) +
                          R"( left out ([1-7]) of 10 calls of the model: [3-9](, [4-9])*)");
    EXPECT_TRUE(std::regex_match(loud.observer.warnings[0], said)) << loud.observer.warnings[0];
    const ordered_json& recipe = loud.sink.images.at(0).recipe;
    EXPECT_EQ(recipe["workflow"]["4"]["class_type"], node);
    EXPECT_EQ(recipe["workflow"]["4"]["inputs"]["reuse_threshold"], 1);

    EXPECT_TRUE(run(false).observer.warnings.empty());
  }
}

TEST(TomePatchModel, SaysThatItChangesNothingAboutSdxl) {
  const Patched found = run_patched("TomePatchModel", {{"ratio", 0.5}});
  ASSERT_EQ(found.observer.warnings.size(), 1u);
  EXPECT_NE(found.observer.warnings[0].find("SDXL does not"), std::string::npos);
  EXPECT_EQ(found.sink.images.at(0).pixel_sha256,
            run_patched("ModelSamplingDiscrete", {{"sampling", "eps"}, {"zsnr", false}})
                .sink.images.at(0)
                .pixel_sha256);
}

}  // namespace
}  // namespace obscura::nodes
