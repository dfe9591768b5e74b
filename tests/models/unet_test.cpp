#include "models/unet/unet.h"

#include <gtest/gtest.h>

#include <chrono>

#include "ir/tap.h"
#include "models/golden.h"
#include "models/key_list.h"
#include "models/unet_stages.h"

namespace obscura::models {
namespace {

constexpr const char* kPrefix = "model.diffusion_model.";

std::string failure(const ir::WeightIndex& weights, const UNetCall& call) {
  auto graph = build_unet(weights, {}, call);
  return graph.ok() ? "none" : graph.error().message();
}

TEST(UNet, OfThePocketModelAgreesWithDiffusersAtEveryStage) {
  PocketWeights weights(kPrefix);
  auto graph = build_unet(weights, {}, {.batch = 1, .height = 32, .width = 32});
  ASSERT_TRUE(graph.ok()) << graph.error().message();
  ASSERT_TRUE(ir::tap(*graph, kUNetStages).ok());
  ASSERT_TRUE(graph->validate().ok());
  auto outputs = ir::evaluate(*graph, unet_reference_inputs(), weights.reader());
  ASSERT_TRUE(outputs.ok()) << outputs.error().message();
  EXPECT_EQ(first_stage_that_differs(*outputs, 2e-5), "none");
  EXPECT_LT(relative_error(outputs->at("eps"), channels_last(reference("out.eps"))), 2e-5);
}

// What is shrunk before it is handed over makes the decoder go up by more than two at that level,
// to the size of the next skip, as ComfyUI's interpolation does. 26x22 has levels of 13x11, of
// which halves are 6 and, rounded to even, 6.
TEST(UNet, GoesUpToTheNextSkipWhateverWasShrunk) {
  auto entries = read_key_list("sdxl_base_keys.tsv");
  KeyListWeights weights(entries, kPrefix);
  for (int block = 1; block < 9; ++block) {
    for (bool after_skip : {false, true}) {
      UNetChanges changes;
      changes.deep_shrink = DeepShrink{.block = block, .factor = 2, .after_skip = after_skip};
      auto graph = build_unet(weights, {}, {.height = 26, .width = 22, .changes = changes});
      ASSERT_TRUE(graph.ok()) << "block " << block << ": " << graph.error().message();
      EXPECT_TRUE(graph->validate().ok());
      EXPECT_EQ(graph->type(graph->output("eps")).shape, (Shape{1, 26, 22, 4}));
    }
  }
  UNetChanges changes;
  changes.deep_shrink = DeepShrink{.block = 3, .factor = 2, .after_skip = false};
  auto graph = build_unet(weights, {}, {.height = 26, .width = 22, .changes = changes});
  ASSERT_TRUE(graph.ok());
  std::vector<Shape> sizes;
  for (const ir::Node& node : graph->nodes) {
    if (node.op->name() != "resize") continue;
    sizes.push_back(graph->type(node.inputs[0]).shape);
    sizes.push_back(graph->type(node.output()).shape);
  }
  EXPECT_EQ(sizes, (std::vector<Shape>{{1, 13, 11, 320},
                                       {1, 6, 6, 320},  // down
                                       {1, 6, 6, 640},
                                       {1, 26, 22, 640}}));  // up
}

struct RealUNet {
  const char* list;
  UNetDimensions dimensions;
  nn::Heads heads;
};

class RealUNets : public testing::TestWithParam<RealUNet> {};

TEST_P(RealUNets, BuildFromTheirTensorListAlone) {
  auto entries = read_key_list(GetParam().list);
  KeyListWeights weights(entries, kPrefix);
  auto d = unet_dimensions(weights);
  ASSERT_TRUE(d.ok()) << d.error().message();
  const UNetDimensions& wanted = GetParam().dimensions;
  EXPECT_EQ(d->in_channels, wanted.in_channels);
  EXPECT_EQ(d->out_channels, wanted.out_channels);
  EXPECT_EQ(d->model_channels, wanted.model_channels);
  EXPECT_EQ(d->context_width, wanted.context_width);
  EXPECT_EQ(d->label_width, wanted.label_width);
  EXPECT_EQ(d->levels, wanted.levels);

  auto graph =
      build_unet(weights, {.heads = GetParam().heads}, {.batch = 2, .height = 128, .width = 96});
  ASSERT_TRUE(graph.ok()) << graph.error().message();
  EXPECT_TRUE(graph->validate().ok());
  EXPECT_EQ(graph->type(graph->output("eps")).shape, (Shape{2, 128, 96, 4}));
  EXPECT_EQ(graph->input("y") != ir::kNoValue, wanted.label_width > 0);
  std::size_t used = 0;
  for (const ir::Value& value : graph->values) used += value.weight.has_value();
  EXPECT_EQ(used, weights.shapes().size()) << "every tensor of the U-Net is used once";
}

INSTANTIATE_TEST_SUITE_P(
    UNet, RealUNets,
    testing::Values(RealUNet{"sdxl_base_keys.tsv", {4, 4, 320, 2048, 2816, 3}, {}},
                    RealUNet{"sdxl_refiner_keys.tsv", {4, 4, 384, 1280, 2560, 4}, {}},
                    RealUNet{"sd15_keys.tsv", {4, 4, 320, 768, 0, 4}, {.count = 8}},
                    RealUNet{"sd21_keys.tsv", {4, 4, 320, 1024, 0, 4}, {}}),
    [](const auto& test) {
      std::string name = test.param.list;
      return name.substr(0, name.find("_keys"));
    });

TEST(UNet, HeadsAreSixtyFourWideOrAFixedNumber) {
  auto head_sizes = [](const char* list, nn::Heads heads) {
    auto entries = read_key_list(list);
    auto graph =
        build_unet(KeyListWeights(entries, kPrefix), {.heads = heads}, {.height = 64, .width = 64})
            .value();
    std::string text = graph.text();
    return std::pair(text.find("heads=8 head_size=40 ") != std::string::npos,
                     text.find("heads=10 head_size=64 ") != std::string::npos);
  };
  EXPECT_EQ(head_sizes("sd15_keys.tsv", {.count = 8}), std::pair(true, false));
  EXPECT_EQ(head_sizes("sd21_keys.tsv", {}), std::pair(false, true));
}

TEST(UNet, OfSdxlDoesNotAttendAtTheLatentsOwnSize) {
  auto attends = [](const char* list) {
    auto entries = read_key_list(list);
    return attends_at_full_size(KeyListWeights(entries, kPrefix));
  };
  EXPECT_TRUE(attends("sd15_keys.tsv"));
  EXPECT_TRUE(attends("sd21_keys.tsv"));
  EXPECT_FALSE(attends("sdxl_base_keys.tsv"));
  EXPECT_FALSE(attends("sdxl_refiner_keys.tsv"));
}

// An image of 1080 rows has a latent of 135, which does not halve twice.
TEST(UNet, TakesAnyLatentSize) {
  auto entries = read_key_list("sdxl_base_keys.tsv");
  auto graph =
      build_unet(KeyListWeights(entries, kPrefix), {}, {.batch = 1, .height = 135, .width = 241});
  ASSERT_TRUE(graph.ok()) << graph.error().message();
  EXPECT_EQ(graph->type(graph->output("eps")).shape, (Shape{1, 135, 241, 4}));
}

TEST(UNet, BuildsInMilliseconds) {
  auto entries = read_key_list("sdxl_base_keys.tsv");
  KeyListWeights weights(entries, kPrefix);
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    auto begin = std::chrono::steady_clock::now();
    auto graph = build_unet(weights, {}, {.batch = 2, .height = 128, .width = 128});
    ASSERT_TRUE(graph.ok());
    std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    best = std::min(best, took.count());
  }
  RecordProperty("milliseconds", std::to_string(best));
  EXPECT_LT(best, 20);
}

TEST(UNet, NamesThePlaceWhereTensorsDoNotFit) {
  auto entries = read_key_list("sdxl_base_keys.tsv");
  const UNetCall call{.height = 64, .width = 64};
  KeyListWeights missing(entries, kPrefix);
  missing.shapes().erase("middle_block.0.out_layers.3.weight");
  EXPECT_EQ(failure(missing, call),
            "unet: middle_block.0.out_layers.0: the checkpoint has no tensor "
            "middle_block.0.out_layers.3.weight");
  KeyListWeights narrow(entries, kPrefix);
  narrow.shapes()["input_blocks.7.0.in_layers.2.weight"] = Shape{1280, 600, 3, 3};
  EXPECT_EQ(failure(narrow, call),
            "unet: input_blocks.7.0.in_layers.2: [conv2d] input 1 wants 640 input channels, got "
            "F32 1280x600x3x3");
  KeyListWeights odd(entries, kPrefix);
  odd.shapes()["input_blocks.4.1.transformer_blocks.0.attn1.to_q.weight"] = Shape{600, 640};
  EXPECT_NE(failure(odd, call).find("input_blocks.4.1.transformer_blocks.0.attn1"),
            std::string::npos);
}

// A file may lack any tensor; a network without it must not be built in silence, nor break a check
// of ours.
TEST(UNet, RefusesAFileThatLacksATensor) {
  auto entries = read_key_list("sd15_keys.tsv");
  KeyListWeights whole(entries, kPrefix);
  const UNetCall call{.height = 8, .width = 8};
  for (const auto& [name, shape] : std::unordered_map(whole.shapes())) {
    if (name.find("bias") != std::string::npos) continue;
    KeyListWeights torn(entries, kPrefix);
    torn.shapes().erase(name);
    std::string message;
    EXPECT_NO_THROW(message = failure(torn, call)) << name;
    EXPECT_NE(message, "none") << name;
    torn.shapes()[name] = Shape{};
    EXPECT_NO_THROW(message = failure(torn, call)) << name;
    EXPECT_NE(message, "none") << name;
  }
}

}  // namespace
}  // namespace obscura::models
