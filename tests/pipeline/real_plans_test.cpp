// Plans of the real networks, in their full layouts and at random sizes, batches and budgets, as
// the CPU lays them out and as a device with memory of its own does.
#include <gtest/gtest.h>

#include <random>

#include "backend/backend.h"
#include "models/key_list.h"
#include "models/unet/unet.h"
#include "models/vae/vae.h"

namespace obscura::pipeline {
namespace {

constexpr plan::Layout kLayouts[] = {
    {},
    {.holds_inputs_and_outputs = true, .prefetches = true, .keeps_steady = true},
};

struct RealNetwork {
  const char* list;
  const char* prefix;
  bool unet;
  models::UNetConfig config = {};
};

const RealNetwork kNetworks[] = {
    {"sdxl_base_keys.tsv", "model.diffusion_model.", true},
    {"sdxl_refiner_keys.tsv", "model.diffusion_model.", true},
    {"sd15_keys.tsv", "model.diffusion_model.", true, {.heads = {.count = 8}}},
    {"sd21_keys.tsv", "model.diffusion_model.", true},
    {"sdxl_base_keys.tsv", "first_stage_model.", false},
};

Result<ir::Graph> build(const RealNetwork& network, std::int64_t batch, std::int64_t height,
                        std::int64_t width) {
  auto entries = models::read_key_list(network.list);
  models::KeyListWeights weights(entries, network.prefix);
  if (!network.unet) return models::build_vae_decoder(weights, batch, height, width);
  return models::build_unet(weights, network.config,
                            {.batch = batch, .height = height, .width = width});
}

TEST(RealPlans, NeverOverlapAndKeepTheirBudgets) {
  constexpr int kSizes = 25, kBudgets = 10;
  std::mt19937 random(1);
  auto pick = [&](std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(random);
  };
  auto device = backend::create_device("cpu", "fp32").value();
  int streamed = 0, refused = 0, steady = 0;
  for (int i = 0; i < kSizes; ++i) {
    const RealNetwork& network = kNetworks[static_cast<std::size_t>(i) % std::size(kNetworks)];
    std::int64_t batch = pick(1, network.unet ? 4 : 2), height = 8 * pick(4, 16),
                 width = 8 * pick(4, 16);
    SCOPED_TRACE(testing::Message() << network.list << " " << network.prefix << " batch " << batch
                                    << ", " << height << "x" << width);
    auto graph = build(network, batch, height, width);
    ASSERT_TRUE(graph.ok()) << graph.error().message();
    auto executable = device->lower(std::move(*graph));
    ASSERT_TRUE(executable.ok()) << executable.error().message();
    const ir::Graph& lowered = (*executable)->graph();
    const std::vector<plan::NodeNeeds>& needs = (*executable)->needs();
    for (plan::Layout layout : kLayouts) {
      auto whole = plan::make_plan(lowered, needs, std::nullopt, layout);
      ASSERT_TRUE(whole.ok()) << whole.error().message();
      for (int n = 0; n < kBudgets; ++n) {
        std::size_t budget = whole->peak_bytes() / 1000 * static_cast<std::size_t>(pick(50, 1050));
        SCOPED_TRACE(testing::Message() << "budget " << budget);
        auto plan = plan::make_plan(lowered, needs, budget, layout);
        if (!plan.ok()) {
          EXPECT_EQ(plan.error().kind(), ErrorKind::kOutOfMemory) << plan.error().message();
          ++refused;
          continue;
        }
        EXPECT_LE(plan->peak_bytes(), budget);
        Status checked = plan::check_plan(lowered, needs, *plan);
        ASSERT_TRUE(checked.ok()) << checked.error().message();
        streamed += plan->streamed_weight_bytes > 0;
        steady += plan->steady_nodes > 0;
      }
    }
  }
  EXPECT_GT(streamed, 50);
  EXPECT_GT(refused, 20);
  EXPECT_GT(steady, 50);
}

}  // namespace
}  // namespace obscura::pipeline
