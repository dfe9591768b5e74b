#include "models/vae/vae.h"

#include <gtest/gtest.h>

#include <set>

#include "models/key_list.h"

namespace obscura::models {
namespace {

constexpr const char* kVaePrefix = "first_stage_model.";

TEST(Vae, BuildsFromTheRealTensorListAndUsesAllOfIt) {
  auto entries = read_key_list("sdxl_base_keys.tsv");
  KeyListWeights weights(entries, kVaePrefix);
  auto d = vae_dimensions(weights);
  ASSERT_TRUE(d.ok()) << d.error().message();
  EXPECT_EQ(d->image_channels, 3);
  EXPECT_EQ(d->latent_channels, 4);
  EXPECT_EQ(d->scale(), 8);

  auto decoder = build_vae_decoder(weights, 1, 128, 96);
  ASSERT_TRUE(decoder.ok()) << decoder.error().message();
  EXPECT_EQ(decoder->type(decoder->output("image")).shape, (Shape{1, 1024, 768, 3}));
  auto encoder = build_vae_encoder(weights, 2, 512, 768);
  ASSERT_TRUE(encoder.ok()) << encoder.error().message();
  EXPECT_EQ(encoder->type(encoder->output("moments")).shape, (Shape{2, 64, 96, 8}));

  std::set<std::string> used;
  for (const ir::Graph* graph : {&*decoder, &*encoder}) {
    EXPECT_TRUE(graph->validate().ok());
    for (const ir::Value& value : graph->values) {
      if (value.weight) used.insert(value.weight->parts[0]);
    }
  }
  EXPECT_EQ(used.size(), weights.shapes().size());
}

TEST(Vae, RefusesAnImageThatDoesNotDivide) {
  auto entries = read_key_list("sdxl_base_keys.tsv");
  auto graph = build_vae_encoder(KeyListWeights(entries, kVaePrefix), 1, 512, 516);
  ASSERT_FALSE(graph.ok());
  EXPECT_EQ(graph.error().message(),
            "vae: sides of positive multiples of 8 are wanted, got 512x516");
}

}  // namespace
}  // namespace obscura::models
