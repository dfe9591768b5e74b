#include "models/clip/text_encoder.h"

#include <gtest/gtest.h>

#include "models/golden.h"
#include "models/key_list.h"

namespace obscura::models {
namespace {

constexpr const char* kClipL = "conditioner.embedders.0.transformer.";
constexpr const char* kClipG = "conditioner.embedders.1.model.";
constexpr TextEncoderConfig kClipLConfig{.activation = ir::Activation::kQuickGelu};

// Columns [begin, end) of the innermost axis.
Tensor columns(const Tensor& x, std::int64_t begin, std::int64_t end) {
  Shape shape = x.shape();
  std::int64_t width = shape[-1];
  shape.set(-1, end - begin);
  Tensor y(shape);
  for (std::int64_t row = 0; row < x.elements() / width; ++row) {
    std::copy(x.data() + row * width + begin, x.data() + row * width + end,
              y.data() + row * (end - begin));
  }
  return y;
}

// The place of the first end token, which a prompt's padding repeats.
float end_of(const Tensor& ids) {
  const float* end = std::find(ids.data(), ids.data() + ids.elements(), 49407.0f);
  return static_cast<float>(end - ids.data());
}

TEST(TextEncoder, ClipLOfThePocketModelAgreesWithDiffusers) {
  PocketWeights weights(kClipL);
  auto graph = build_text_encoder(weights, kClipLConfig, {.stop_at_layer = -2});
  ASSERT_TRUE(graph.ok()) << graph.error().message();
  auto outputs = ir::evaluate(*graph, {{"ids", reference("in.clip_l.ids")}}, weights.reader());
  ASSERT_TRUE(outputs.ok()) << outputs.error().message();
  const Tensor& hidden = outputs->at("hidden");
  EXPECT_LT(relative_error(hidden, columns(reference("in.context"), 0, hidden.shape()[-1])), 1e-5);
}

TEST(TextEncoder, ClipGOfThePocketModelAgreesWithDiffusers) {
  PocketWeights weights(kClipG);
  auto graph = build_text_encoder(weights, {}, {.stop_at_layer = -2, .pooled = true});
  ASSERT_TRUE(graph.ok()) << graph.error().message();
  Tensor ids = reference("in.clip_g.ids");
  auto outputs = ir::evaluate(
      *graph, {{"ids", ids}, {"eos", Tensor::filled(Shape{1}, end_of(ids))}}, weights.reader());
  ASSERT_TRUE(outputs.ok()) << outputs.error().message();
  const Tensor& hidden = outputs->at("hidden");
  Tensor both = reference("in.context");
  std::int64_t width = both.shape()[-1];
  EXPECT_LT(relative_error(hidden, columns(both, width - hidden.shape()[-1], width)), 1e-5);
  EXPECT_LT(relative_error(outputs->at("pooled"), reference("in.pooled")), 1e-5);
}

TEST(TextEncoder, ReadsTheDimensionsOfTheRealEncoders) {
  auto sdxl = read_key_list("sdxl_base_keys.tsv");
  auto l = text_encoder_dimensions(KeyListWeights(sdxl, kClipL));
  ASSERT_TRUE(l.ok()) << l.error().message();
  EXPECT_EQ(l->layers, 12);
  EXPECT_EQ(l->width, 768);
  EXPECT_EQ(l->tokens, 77);
  EXPECT_EQ(l->vocabulary, 49408);
  auto g = text_encoder_dimensions(KeyListWeights(sdxl, kClipG));
  ASSERT_TRUE(g.ok()) << g.error().message();
  EXPECT_EQ(g->layers, 32);
  EXPECT_EQ(g->width, 1280);
  EXPECT_EQ(g->projection, 1280);
}

TEST(TextEncoder, BuildsOnlyTheLayersThatItsOutputsNeed) {
  auto sdxl = read_key_list("sdxl_base_keys.tsv");
  KeyListWeights l(sdxl, kClipL), g(sdxl, kClipG);
  auto reads = [](const ir::Graph& graph, const std::string& prefix) {
    for (const ir::Value& value : graph.values) {
      if (value.weight && value.weight->parts[0].starts_with(prefix)) return true;
    }
    return false;
  };
  auto penultimate = build_text_encoder(l, kClipLConfig, {.stop_at_layer = -2});
  ASSERT_TRUE(penultimate.ok());
  EXPECT_TRUE(reads(*penultimate, "text_model.encoder.layers.10."));
  EXPECT_FALSE(reads(*penultimate, "text_model.encoder.layers.11."));
  auto last = build_text_encoder(l, kClipLConfig, {.stop_at_layer = -1});
  ASSERT_TRUE(last.ok());
  EXPECT_TRUE(reads(*last, "text_model.encoder.layers.11."));
  EXPECT_FALSE(reads(*last, "text_model.final_layer_norm."));
  auto pooled = build_text_encoder(g, {}, {.stop_at_layer = -2, .pooled = true});
  ASSERT_TRUE(pooled.ok());
  EXPECT_TRUE(reads(*pooled, "transformer.resblocks.31."));
  EXPECT_EQ(pooled->type(pooled->output("pooled")).shape, (Shape{1, 1280}));
}

TEST(TextEncoder, BuildsStableDiffusions) {
  auto one = read_key_list("sd15_keys.tsv");
  auto graph = build_text_encoder(
      KeyListWeights(one, "cond_stage_model.transformer."),
      {.activation = ir::Activation::kQuickGelu, .normalise_hidden = true}, {.stop_at_layer = -1});
  ASSERT_TRUE(graph.ok()) << graph.error().message();
  EXPECT_EQ(graph->type(graph->output("hidden")).shape, (Shape{1, 77, 768}));
  auto two = read_key_list("sd21_keys.tsv");
  graph = build_text_encoder(KeyListWeights(two, "cond_stage_model.model."),
                             {.normalise_hidden = true}, {.batch = 2, .stop_at_layer = -2});
  ASSERT_TRUE(graph.ok()) << graph.error().message();
  EXPECT_EQ(graph->type(graph->output("hidden")).shape, (Shape{2, 77, 1024}));
}

TEST(TextEncoder, RefusesALayerThatItDoesNotHave) {
  auto sdxl = read_key_list("sdxl_base_keys.tsv");
  auto graph =
      build_text_encoder(KeyListWeights(sdxl, kClipL), kClipLConfig, {.stop_at_layer = -13});
  ASSERT_FALSE(graph.ok());
  EXPECT_EQ(graph.error().message(), "text encoder: stop_at_layer wants -1 to -12, got -13");
}

TEST(TextEncoder, NamesAMissingTensor) {
  auto sdxl = read_key_list("sdxl_base_keys.tsv");
  KeyListWeights weights(sdxl, kClipL);
  weights.shapes().erase("text_model.encoder.layers.3.mlp.fc1.weight");
  auto graph = build_text_encoder(weights, kClipLConfig, {});
  ASSERT_FALSE(graph.ok());
  EXPECT_NE(graph.error().message().find("no tensor text_model.encoder.layers.3.mlp.fc1.weight"),
            std::string::npos)
      << graph.error().message();
}

}  // namespace
}  // namespace obscura::models
