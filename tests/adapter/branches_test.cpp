// A LoRA as a branch of the graph against the same LoRA merged into the weights.
#include "adapter/branches.h"

#include <gtest/gtest.h>

#include "adapter/adapted_weights.h"
#include "adapter/adapter_samples.h"
#include "backend/backend.h"
#include "checkpoint/kinds/text_encoder.h"
#include "checkpoint/kinds/unet.h"
#include "checkpoint/recognise.h"
#include "models/clip/text_encoder.h"
#include "models/unet/unet.h"
#include "models/unet_stages.h"
#include "runtime/program.h"

namespace obscura::adapter {
namespace {

std::shared_ptr<runtime::WeightStore> pocket_store(const checkpoint::NetworkKind& kind) {
  static const checkpoint::CheckpointLayout kLayout =
      checkpoint::recognise(models::pocket_file()).value();
  auto store = std::make_shared<runtime::WeightStore>("pocket " + std::string(kind.id), nullptr);
  for (const auto& [name, entry] : kLayout.component(kind)->tensors())
    store->add(std::string(name), {entry->dtype, entry->shape, entry->bytes});
  return store;
}

class Branches : public testing::Test {
 protected:
  std::unique_ptr<runtime::Program> program(std::shared_ptr<runtime::WeightStore> weights) {
    auto graph = models::build_unet(*weights, {}, {.height = 32, .width = 32});
    EXPECT_TRUE(graph.ok()) << graph.error().message();
    auto made = runtime::Program::build(*device_, std::move(graph).value(), std::move(weights),
                                        std::nullopt)
                    .value();
    EXPECT_TRUE(made->load().ok());
    return made;
  }

  Tensor predict(runtime::Program& program, const float* strength = nullptr) {
    const ir::NamedTensors inputs = models::unet_reference_inputs();
    std::vector<backend::InputBinding> bindings;
    for (const auto& [name, tensor] : inputs)
      bindings.push_back({name, std::as_bytes(tensor.values())});
    if (strength != nullptr) bindings.push_back({"lora", std::as_bytes(std::span(strength, 1))});
    Tensor eps(program.graph().type(program.graph().output("eps")).shape);
    backend::OutputBinding output{"eps", std::as_writable_bytes(eps.values())};
    Status status = program.run(bindings, std::span(&output, 1), {});
    EXPECT_TRUE(status.ok()) << status.error().message();
    return eps;
  }

  Tensor merged(double strength) {
    return predict(*program(adapt(lora_, base_, {.unet = strength}).value().networks.unet));
  }

  std::unique_ptr<backend::Device> device_ = backend::create_device("cpu").value();
  Networks base_{pocket_store(checkpoint::kUNet), nullptr, nullptr};
  std::shared_ptr<const AdapterFile> lora_ =
      AdapterFile::open(golden::path("golden_lora.safetensors"), "golden", "golden").value();
};

TEST_F(Branches, PredictWhatTheMergedLoraPredictsAndPrepareNothingForAnotherStrength) {
  auto live = branched(lora_, base_, "lora");
  ASSERT_TRUE(live.ok()) << live.error().message();
  EXPECT_EQ(live->modules, 132);
  EXPECT_TRUE(live->left_out.empty());
  auto bare = program(base_.unet);
  const std::size_t held = device_->weight_bytes();
  auto branch = program(live->networks.unet);
  // The factors are held beside the weights; only projections that are no longer joined were
  // prepared apart.
  EXPECT_GT(device_->weight_bytes(), held);
  const std::size_t with_branch = device_->weight_bytes();
  const Tensor without = predict(*bare);
  for (float strength : {0.8f, 0.3f, -0.5f}) {
    // Products of rank 4 in float32, added up in another order through the whole network.
    EXPECT_LT(models::relative_error(predict(*branch, &strength), merged(strength)), 2e-5);
    EXPECT_EQ(branch->bytes_to_load(), 0u);
    EXPECT_EQ(device_->weight_bytes(), with_branch);
  }
  const float none = 0, full = 1;
  EXPECT_LT(models::relative_error(predict(*branch, &none), without), 2e-5);
  EXPECT_GT(models::relative_error(predict(*branch, &full), without), 1e-3);
}

// Of CLIP-G, whose projections to q, k and v are one stored tensor, those are left out.
TEST_F(Branches, StandBesideTheLayersOfTextEncoders) {
  Networks base{nullptr, pocket_store(checkpoint::kClipL), pocket_store(checkpoint::kClipG)};
  std::mt19937 random(1);
  SampleTensors tensors;
  std::size_t parts_of_merged = 0, layers = 0;
  const ModuleTable table(base);
  for (const Module& module : table.modules()) {
    const Shape& shape = module.weight.shape;
    if (shape.rank() != 2 || module.weight.transposed ||
        module.name.find("embedding") != std::string::npos)
      continue;
    tensors[stem_of(module) + ".lora_up.weight"] = random_tensor(random, {shape[0], 2});
    tensors[stem_of(module) + ".lora_down.weight"] = random_tensor(random, {2, shape[1]});
    ++(module.weight.tensor.ends_with("in_proj_weight") ? parts_of_merged : layers);
  }
  Sample lora(tensors);
  auto live = branched(lora.file, base, "lora");
  ASSERT_TRUE(live.ok()) << live.error().message();
  EXPECT_EQ(live->left_out.size(), parts_of_merged);
  EXPECT_EQ(static_cast<std::size_t>(live->modules), layers);
  EXPECT_GT(parts_of_merged, 0u);
  for (const auto& store : {live->networks.text1, live->networks.text2}) {
    auto graph = models::build_text_encoder(*store, {}, {.stop_at_layer = -1});
    ASSERT_TRUE(graph.ok()) << graph.error().message();
    EXPECT_NE(graph->input("lora"), ir::kNoValue);
  }
}

TEST_F(Branches, LeaveOutWhatIsNoPlainLora) {
  std::mt19937 random(1);
  const std::string stem = "lora_unet_middle_block_1_proj_in";
  const Shape shape = *base_.unet->find("middle_block.1.proj_in.weight");
  SampleTensors tensors;
  tensors[stem + ".lora_up.weight"] = random_tensor(random, {shape[0], 2});
  tensors[stem + ".lora_down.weight"] = random_tensor(random, {2, shape[1]});
  tensors[stem + ".dora_scale"] = random_tensor(random, {shape[0], 1});
  auto left = branched(Sample(tensors).file, base_, "lora");
  ASSERT_TRUE(left.ok()) << left.error().message();
  EXPECT_EQ(left->left_out, std::vector<std::string>{stem});
  EXPECT_EQ(left->networks.unet, base_.unet);

  tensors.erase(stem + ".dora_scale");
  tensors[stem + ".lora_up.weight"] = random_tensor(random, {shape[0] + 1, 2});
  Sample wrong(tensors);
  EXPECT_EQ(branched(wrong.file, base_, "lora").error().kind(), ErrorKind::kInvalidInput);
}

}  // namespace
}  // namespace obscura::adapter
