#include <gtest/gtest.h>

#include "adapter/adapter_samples.h"
#include "checkpoint/kinds/text_encoder.h"
#include "checkpoint/pocket.h"
#include "nodes/node_harness.h"

namespace obscura::nodes {
namespace {

GivenInputs with_factors(GivenInputs inputs) {
  const std::pair<const char*, double> factors[] = {{"q", 2}, {"k", 3}, {"v", 5}, {"out", 7}};
  for (auto [name, factor] : factors) inputs.emplace_back(name, Value::number(factor));
  return inputs;
}

// The one factor by which the elements [begin, end) of a tensor grew; 0 if they grew apart.
float growth(runtime::WeightStore& before, runtime::WeightStore& after, const std::string& name,
             double begin = 0, double end = 1) {
  const auto was = adapter::read(before, name).value(), is = adapter::read(after, name).value();
  const auto size = static_cast<double>(was.size());
  float factor = -1;
  for (auto i = static_cast<std::size_t>(begin * size); i < static_cast<std::size_t>(end * size);
       ++i) {
    if (std::fabs(was[i]) < 1e-3f) continue;
    const float found = std::round(is[i] / was[i] * 1000) / 1000;
    if (factor >= 0 && factor != found) return 0;
    factor = found;
  }
  return factor;
}

class AttentionScale : public testing::Test {
 protected:
  pipeline::Checkpoint pocket_ =
      pipeline::load_checkpoint(
          pipeline::ModelFile::embedded(checkpoint::pocket_model(), "pocket", "0").value())
          .value();
};

TEST_F(AttentionScale, OfTheUNet) {
  auto model = only_output("UNetSelfAttentionMultiply",
                           with_factors({{"model", Value::handle("MODEL", pocket_.model)}}))
                   .share<pipeline::DiffusionModel>();
  auto grown = [&](const std::string& name) {
    return growth(*pocket_.model->weights, *model->weights,
                  "middle_block.1.transformer_blocks.0." + name);
  };
  EXPECT_EQ(grown("attn1.to_q.weight"), 2);
  EXPECT_EQ(grown("attn1.to_k.weight"), 3);
  EXPECT_EQ(grown("attn1.to_v.weight"), 5);
  EXPECT_EQ(grown("attn1.to_out.0.weight"), 7);
  EXPECT_EQ(grown("attn1.to_out.0.bias"), 7);
  EXPECT_EQ(grown("attn2.to_q.weight"), 1);
}

TEST_F(AttentionScale, OfBothTextEncoders) {
  auto text = only_output("CLIPAttentionMultiply",
                          with_factors({{"clip", Value::handle("CLIP", pocket_.text)}}))
                  .share<pipeline::TextEncoders>();
  auto grown_l = [&](const std::string& name) {
    return growth(*pocket_.text->weights(checkpoint::kClipL), *text->weights(checkpoint::kClipL),
                  "text_model.encoder.layers.0." + name);
  };
  EXPECT_EQ(grown_l("self_attn.q_proj.weight"), 2);
  EXPECT_EQ(grown_l("self_attn.k_proj.weight"), 3);
  EXPECT_EQ(grown_l("self_attn.v_proj.weight"), 5);
  EXPECT_EQ(grown_l("self_attn.out_proj.weight"), 7);
  EXPECT_EQ(grown_l("mlp.fc1.weight"), 1);
  // OpenCLIP's projections of q, k and v are one tensor.
  const std::string merged = "transformer.resblocks.0.attn.in_proj_weight";
  for (int part = 0; part < 3; ++part) {
    EXPECT_EQ(growth(*pocket_.text->weights(checkpoint::kClipG), *text->weights(checkpoint::kClipG),
                     merged, part / 3.0, (part + 1) / 3.0),
              (std::array<float, 3>{2, 3, 5})[static_cast<std::size_t>(part)]);
  }
  EXPECT_EQ(growth(*pocket_.text->weights(checkpoint::kClipG), *text->weights(checkpoint::kClipG),
                   "transformer.resblocks.0.attn.out_proj.weight"),
            7);
}

}  // namespace
}  // namespace obscura::nodes
