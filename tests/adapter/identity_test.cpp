// What putting an adapter on, taking it off or weighing it anew prepares again: the tensors that it
// touches and no others.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "adapter/adapter_samples.h"
#include "backend/backend.h"
#include "checkpoint/kinds/unet.h"
#include "checkpoint/recognise.h"
#include "models/key_list.h"
#include "models/unet/unet.h"
#include "models/unet_stages.h"
#include "runtime/program.h"

namespace obscura::adapter {
namespace {

// The tensors of SDXL's U-Net by name and shape, without elements.
std::shared_ptr<runtime::WeightStore> full_size_unet() {
  constexpr std::string_view kPrefix = "model.diffusion_model.";
  auto store = std::make_shared<runtime::WeightStore>("sdxl", nullptr);
  for (const io::TensorEntry& entry : models::read_key_list("sdxl_base_keys.tsv")) {
    if (entry.name.starts_with(kPrefix))
      store->add(entry.name.substr(kPrefix.size()), {entry.dtype, entry.shape, {}});
  }
  return store;
}

// Rank 2 for every module whose name ends so, up to `most` in all.
SampleTensors lora_for(const Networks& networks, const std::vector<std::string>& endings,
                       std::size_t most, std::set<std::string>& touched) {
  const ModuleTable table(networks);
  std::mt19937 random(1);
  SampleTensors tensors;
  for (const Module& module : table.modules()) {
    const bool wanted = std::any_of(endings.begin(), endings.end(),
                                    [&](const std::string& e) { return module.name.ends_with(e); });
    if (!wanted || touched.size() == most) continue;
    const Shape& shape = module.weight.shape;
    Shape down = shape, up = shape;
    down.set(0, 2);
    up.set(1, 2);
    for (int axis = 2; axis < shape.rank(); ++axis) up.set(axis, 1);
    tensors[stem_of(module) + ".lora_down.weight"] = random_tensor(random, down);
    tensors[stem_of(module) + ".lora_up.weight"] = random_tensor(random, up);
    touched.insert(module.weight.tensor);
  }
  return tensors;
}

// Under what a device keeps each weight of the plan, with its bytes.
std::map<std::string, std::size_t> kept(const ir::Graph& graph, const plan::Plan& plan,
                                        const backend::WeightReader& weights) {
  std::map<std::string, std::size_t> bytes;
  for (const plan::PlannedWeight& weight : plan.weights) {
    const ir::WeightSpec& spec = *graph.value(weight.value).weight;
    bytes[weights.identity(spec) + spec.shape.text() + weight.form] = weight.bytes;
  }
  return bytes;
}

std::size_t missing(const std::map<std::string, std::size_t>& wanted,
                    const std::map<std::string, std::size_t>& held) {
  std::size_t bytes = 0;
  for (const auto& [key, size] : wanted) bytes += held.contains(key) ? 0 : size;
  return bytes;
}

TEST(Identity, ALoraOfTwentyModulesPreparesThoseAloneInSdxl) {
  Networks base{full_size_unet(), nullptr, nullptr};
  std::set<std::string> touched;
  Sample lora(lora_for(base, {".attn2.to_out.0", ".ff.net.2", ".in_layers.2"}, 20, touched));
  ASSERT_EQ(touched.size(), 20u);
  auto with = [&](double strength) {
    return adapt(lora.file, base, {.unet = strength}).value().networks.unet;
  };

  auto device = backend::create_device("cpu").value();
  auto executable =
      device->lower(models::build_unet(*base.unet, {}, {.height = 32, .width = 32}).value())
          .value();
  const ir::Graph& graph = executable->graph();
  const plan::Plan plan =
      plan::make_plan(graph, executable->needs(), std::nullopt, executable->layout()).value();

  // A kernel reads each of these modules by itself, so that their own bytes are what is prepared.
  std::size_t own_bytes = 0;
  for (const plan::PlannedWeight& weight : plan.weights) {
    const ir::WeightSpec& spec = *graph.value(weight.value).weight;
    for (const std::string& part : spec.parts) {
      if (!touched.contains(part)) continue;
      EXPECT_EQ(spec.parts.size(), 1u);
      own_bytes += weight.bytes;
    }
  }
  const auto bare = kept(graph, plan, *base.unet), full = kept(graph, plan, *with(1)),
             half = kept(graph, plan, *with(0.5));
  EXPECT_EQ(missing(full, {}), plan.resident_weight_bytes);
  EXPECT_EQ(missing(full, bare), own_bytes);
  EXPECT_EQ(missing(half, full), own_bytes);
  EXPECT_EQ(missing(bare, full), own_bytes);
  EXPECT_EQ(missing(full, kept(graph, plan, *with(1))), 0u);
  EXPECT_GT(own_bytes, 20u << 20);
  EXPECT_LT(own_bytes, plan.resident_weight_bytes / 20);
  RecordProperty("prepared_bytes", std::to_string(own_bytes));
  RecordProperty("all_bytes", std::to_string(plan.resident_weight_bytes));
}

TEST(Identity, AStrengthOfOneBlockConcernsItsTensorsAlone) {
  Networks base{full_size_unet(), nullptr, nullptr};
  std::set<std::string> touched;
  Sample lora(lora_for(base, {".ff.net.2"}, 70, touched));
  auto unet = [&](double middle) {
    return adapt(lora.file, base, {.unet = 1, .blocks = {{"middle_block", middle}}})
        .value()
        .networks.unet;
  };
  auto full = unet(1), half = unet(0.5);
  EXPECT_NE(full->identity(), half->identity());
  int changed = 0;
  for (const std::string& tensor : touched) {
    const ir::WeightSpec spec{{tensor}, *base.unet->find(tensor)};
    const bool differs = full->identity(spec) != half->identity(spec);
    EXPECT_EQ(differs, tensor.starts_with("middle_block.")) << tensor;
    changed += differs;
  }
  EXPECT_EQ(changed, 10);
  EXPECT_EQ(touched.size(), 70u);
}

TEST(Identity, ADeviceHoldsOnceWhatAnAdapterLeavesAlone) {
  const auto layout = checkpoint::recognise(models::pocket_file()).value();
  auto store = std::make_shared<runtime::WeightStore>("pocket U-Net", nullptr);
  for (const auto& [name, entry] : layout.component(checkpoint::kUNet)->tensors())
    store->add(std::string(name), {entry->dtype, entry->shape, entry->bytes});
  Networks base{store, nullptr, nullptr};
  std::set<std::string> touched;
  // The projections to q are prepared joined with those to k and v.
  Sample lora(lora_for(base, {"input_blocks.4.1.transformer_blocks.0.attn1.to_q"}, 1, touched));
  ASSERT_EQ(touched.size(), 1u);

  auto device = backend::create_device("cpu").value();
  auto program = [&](std::shared_ptr<runtime::WeightStore> weights) {
    auto graph = models::build_unet(*weights, {}, {.height = 32, .width = 32});
    return runtime::Program::build(*device, std::move(graph).value(), std::move(weights),
                                   std::nullopt)
        .value();
  };
  auto bare = program(store);
  EXPECT_EQ(bare->bytes_to_load(), bare->plan().resident_weight_bytes);
  ASSERT_TRUE(bare->load().ok());
  EXPECT_EQ(device->weight_bytes(), bare->plan().resident_weight_bytes);

  auto adapted = program(adapt(lora.file, base, {.unet = 0.5}).value().networks.unet);
  const Shape& q = *store->find(*touched.begin());
  const auto joined = static_cast<std::size_t>(3 * q.elements()) * sizeof(float);
  EXPECT_EQ(adapted->bytes_to_load(), joined);
  ASSERT_TRUE(adapted->load().ok());
  EXPECT_EQ(device->weight_bytes(), bare->plan().resident_weight_bytes + joined);
  bare->unload();
  EXPECT_EQ(bare->bytes_to_load(), joined);
}

}  // namespace
}  // namespace obscura::adapter
