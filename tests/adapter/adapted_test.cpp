// A trained adapter on the pocket model against diffusers, and what holds for every adapter.
#include <gtest/gtest.h>

#include <algorithm>

#include "adapter/adapter_samples.h"
#include "backend/backend.h"
#include "checkpoint/kinds/text_encoder.h"
#include "checkpoint/kinds/unet.h"
#include "checkpoint/recognise.h"
#include "models/unet_stages.h"
#include "runtime/program.h"

namespace obscura::adapter {
namespace {

const checkpoint::CheckpointLayout& layout() {
  static const checkpoint::CheckpointLayout kLayout =
      checkpoint::recognise(models::pocket_file()).value();
  return kLayout;
}

std::shared_ptr<runtime::WeightStore> pocket(const checkpoint::NetworkKind& kind) {
  auto store = std::make_shared<runtime::WeightStore>("pocket " + std::string(kind.id), nullptr);
  for (const auto& [name, entry] : layout().component(kind)->tensors())
    store->add(std::string(name), {entry->dtype, entry->shape, entry->bytes});
  return store;
}

Networks pocket_networks() {
  return {pocket(checkpoint::kUNet), pocket(checkpoint::kClipL), pocket(checkpoint::kClipG)};
}

std::shared_ptr<const AdapterFile> golden_lora() {
  return AdapterFile::open(golden::path("golden_lora.safetensors"), "golden", "golden").value();
}

AdaptedNetworks with_golden(const Networks& base, double strength) {
  return adapt(golden_lora(), base, {.unet = strength, .text = strength}).value();
}

Tensor predict(const std::shared_ptr<runtime::WeightStore>& weights) {
  static const std::unique_ptr<backend::Device> kDevice = backend::create_device("cpu").value();
  auto graph =
      models::build_unet(*weights, layout().unet_config(), {.batch = 1, .height = 32, .width = 32});
  auto program =
      runtime::Program::build(*kDevice, std::move(graph).value(), weights, std::nullopt).value();
  EXPECT_TRUE(program->load().ok());
  ir::NamedTensors inputs = models::unet_reference_inputs();
  std::vector<backend::InputBinding> bindings;
  for (const auto& [name, tensor] : inputs)
    bindings.push_back({name, std::as_bytes(tensor.values())});
  Tensor eps(program->graph().type(program->graph().output("eps")).shape);
  std::vector<backend::OutputBinding> outputs = {{"eps", std::as_writable_bytes(eps.values())}};
  EXPECT_TRUE(program->run(bindings, outputs, {}).ok());
  return eps;
}

TEST(Adapted, TheGoldenLoraPredictsWhatItDoesInDiffusers) {
  AdaptedNetworks adapted = with_golden(pocket_networks(), 0.8);
  EXPECT_TRUE(adapted.unmatched.empty());
  EXPECT_EQ(adapted.unet_modules, 132);
  const auto pair = io::SafetensorsFile::open(golden::path("golden_lora_io.safetensors")).value();
  Tensor wanted = models::channels_last(golden::tensor(pair, "out.eps_0.8"));
  EXPECT_LT(models::relative_error(predict(adapted.networks.unet), wanted), 1e-4);
  // The comparison sees the adapter.
  EXPECT_GT(models::relative_error(predict(pocket(checkpoint::kUNet)), wanted), 1e-3);
}

TEST(Adapted, TakingAnAdapterOffLeavesTheSameBits) {
  Networks base = pocket_networks();
  const std::string tensor = "input_blocks.4.1.transformer_blocks.0.attn1.to_q.weight";
  std::vector<float> before = read(*base.unet, tensor).value();
  std::vector<float> first = read(*with_golden(base, 0.8).networks.unet, tensor).value();
  EXPECT_NE(first, before);
  const Tensor predicted = predict(base.unet);
  for (int i = 0; i < 100; ++i) {
    Networks adapted = with_golden(base, 0.8).networks;
    ASSERT_EQ(read(*adapted.unet, tensor).value(), first);
    ASSERT_EQ(read(*base.unet, tensor).value(), before);
  }
  const Tensor again = predict(base.unet);
  EXPECT_TRUE(std::equal(again.values().begin(), again.values().end(), predicted.values().begin()));
}

TEST(Adapted, IdentitiesTellAdaptersStrengthsAndOrderApart) {
  Networks base = pocket_networks();
  auto identity = [&](double strength) {
    return with_golden(base, strength).networks.unet->identity();
  };
  EXPECT_EQ(identity(0.8), identity(0.8));
  EXPECT_NE(identity(0.8), identity(0.7));
  EXPECT_EQ(identity(0), base.unet->identity());
  AdaptedNetworks once = with_golden(base, 0.8);
  EXPECT_NE(with_golden(once.networks, 0.7).networks.unet->identity(),
            with_golden(with_golden(base, 0.7).networks, 0.8).networks.unet->identity());
  // The golden adapter has nothing for the text encoders.
  EXPECT_EQ(once.networks.text1, base.text1);
}

TEST(Adapted, AdaptersStack) {
  Networks base = pocket_networks();
  const std::string tensor = "middle_block.1.proj_in.weight";
  Networks both = with_golden(with_golden(base, 0.5).networks, 0.25).networks;
  auto stacked = read(*both.unet, tensor).value();
  auto at_once = read(*with_golden(base, 0.75).networks.unet, tensor).value();
  for (std::size_t i = 0; i < stacked.size(); ++i) ASSERT_NEAR(stacked[i], at_once[i], 1e-6);
}

TEST(Adapted, PartsOfAMergedWeightAreAdaptedEach) {
  Networks base = pocket_networks(), adapted = with_golden(base, 1).networks;
  const std::string block = "input_blocks.4.1.transformer_blocks.0.attn1.";
  const Shape shape = *base.unet->find(block + "to_q.weight");
  auto size = static_cast<std::size_t>(shape.elements());
  std::vector<float> merged(3 * size);
  ASSERT_TRUE(adapted.unet
                  ->read({{block + "to_q.weight", block + "to_k.weight", block + "to_v.weight"},
                          Shape{3 * shape[0], shape[1]}},
                         merged.data())
                  .ok());
  std::size_t at = 0;
  for (const char* part : {"to_q.weight", "to_k.weight", "to_v.weight"}) {
    std::vector<float> alone = read(*adapted.unet, block + part).value();
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), merged.begin() + static_cast<long>(at)));
    at += size;
  }
}

TEST(Adapted, BlocksHaveTheirOwnStrength) {
  Networks base = pocket_networks();
  auto adapted = adapt(golden_lora(), base, {.unet = 0.8, .blocks = {{"middle_block", 0.0}}});
  ASSERT_TRUE(adapted.ok());
  auto& unet = *adapted->networks.unet;
  EXPECT_EQ(read(unet, "middle_block.1.proj_in.weight").value(),
            read(*base.unet, "middle_block.1.proj_in.weight").value());
  EXPECT_EQ(read(unet, "input_blocks.4.1.proj_in.weight").value(),
            read(*with_golden(base, 0.8).networks.unet, "input_blocks.4.1.proj_in.weight").value());
  EXPECT_NE(unet.identity(), with_golden(base, 0.8).networks.unet->identity());
}

}  // namespace
}  // namespace obscura::adapter
