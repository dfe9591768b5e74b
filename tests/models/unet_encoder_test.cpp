#include "models/unet/unet_encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ir/tap.h"
#include "models/golden.h"
#include "models/unet_stages.h"

namespace obscura::models {
namespace {

constexpr const char* kPocketUNet = "model.diffusion_model.";
constexpr int kInputBlocks = 9;

std::string skip_name(int block) {
  return "input_blocks." + std::to_string(block);
}

// The pocket model's U-Net without a tensor of its decoder.
class EncoderWeights final : public ir::WeightIndex {
 public:
  const Shape* find(std::string_view name) const override {
    return name.starts_with("out") ? nullptr : all_.find(name);
  }

 private:
  PocketWeights all_{kPocketUNet};
};

// Every skip under its block's name, and what the middle block makes.
Result<ir::Graph> encoder_graph(const ir::WeightIndex& weights, const UNetCall& call) {
  OBSCURA_ASSIGN(UNetDimensions dimensions, encoder_dimensions(weights));
  ir::Builder builder("encoder", weights);
  const UNetConfig config;
  UNetBlocks blocks(nn::Scope(builder), config, dimensions, call);
  const UNetFeatures features = encode(blocks);
  for (std::size_t i = 0; i < features.skips.size(); ++i)
    builder.output(skip_name(static_cast<int>(i)), features.skips[i]);
  builder.output("middle_block", features.middle);
  return std::move(builder).finish();
}

// Fewer pixels than the reference's, which the plain definitions would take half a minute for.
ir::NamedTensors small_inputs() {
  ir::NamedTensors inputs = unet_reference_inputs();
  Tensor x(Shape{1, 8, 8, 4});
  std::copy_n(inputs.at("x").data(), x.elements(), x.data());
  inputs.insert_or_assign("x", x);
  return inputs;
}

bool equal_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.data(), b.data(), a.values().size_bytes()) == 0;
}

TEST(UNetEncoder, AloneMakesTheFeaturesOfTheWholeUNet) {
  const UNetCall call{.batch = 1, .height = 8, .width = 8};
  auto alone = encoder_graph(EncoderWeights(), call);
  ASSERT_TRUE(alone.ok()) << alone.error().message();
  ASSERT_TRUE(alone->validate().ok());

  PocketWeights weights(kPocketUNet);
  ir::Graph whole = build_unet(weights, {}, call).value();
  std::vector<std::string> stages = {"middle_block"};
  for (int i = 0; i < kInputBlocks; ++i) stages.push_back(skip_name(i));
  ASSERT_TRUE(ir::tap(whole, stages).ok());
  EXPECT_LT(alone->nodes.size(), whole.nodes.size() * 2 / 3);

  auto found = ir::evaluate(*alone, small_inputs(), weights.reader());
  auto wanted = ir::evaluate(whole, small_inputs(), weights.reader());
  ASSERT_TRUE(found.ok() && wanted.ok());
  ASSERT_EQ(found->size(), stages.size());
  for (const std::string& stage : stages)
    EXPECT_TRUE(equal_bits(found->at(stage), wanted->at(stage))) << stage;
}

TEST(UNetEncoder, HasNoOutputChannels) {
  auto dimensions = encoder_dimensions(EncoderWeights());
  ASSERT_TRUE(dimensions.ok()) << dimensions.error().message();
  EXPECT_EQ(dimensions->out_channels, 0);
  EXPECT_EQ(dimensions->in_channels, 4);
  EXPECT_FALSE(unet_dimensions(EncoderWeights()).ok());
}

}  // namespace
}  // namespace obscura::models
