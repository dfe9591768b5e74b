// The one call, against the network run by hand with inputs written down here.
#include "pipeline/network_call.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>

#include "checkpoint/pocket.h"
#include "models/golden.h"
#include "models/unet/unet.h"
#include "pipeline/network.h"

namespace obscura::pipeline {
namespace {

class NetworkCallOfThePocketModel : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto file = ModelFile::embedded(checkpoint::pocket_model(), "pocket", "0").value();
    model = load_model(file).value();
    session = std::make_unique<runtime::Session>(backend::create_device("cpu").value());
  }
  static void TearDownTestSuite() {
    session.reset();
    model.reset();
  }

  static Condition prompt(const char* states, const char* pooled) {
    Condition condition;
    condition.states = models::reference(states);
    condition.pooled = models::reference(pooled);
    return condition;
  }

  static inline std::shared_ptr<const DiffusionModel> model;
  static inline std::unique_ptr<runtime::Session> session;
};

TEST_F(NetworkCallOfThePocketModel, GivesTheNetworkItsInputsInOrder) {
  const Shape size{1, 4, 8, 8};
  const Conditioning both{
      {prompt("in.context", "in.pooled"), prompt("in.uncond.context", "in.uncond.pooled")}};
  const Side side = place(*model, both, size, {}, false).value();
  Tensor latent(size);
  for (std::int64_t i = 0; i < latent.elements(); ++i)
    latent.data()[i] = static_cast<float>(i % 7) / 4 - 1;
  models::UNetChanges changes;
  changes.show_middle_attention = true;

  NetworkCall call(*session, model, {});
  auto found = call({.x = latent, .sigma = model->schedule.sigma(300), .changes = changes},
                    std::array{&side[0], &side[1]}, {latent, latent});
  ASSERT_TRUE(found.ok()) << found.error().message();

  const models::UNetCall shape{.batch = 2, .height = 8, .width = 8, .changes = changes};
  auto program = session->program("by hand", model->weights, [&] {
    return models::build_unet(*model->weights, model->config, shape);
  });
  const std::array<float, 6> numbers = {64, 64, 0, 0, 64, 64};
  const Condition &positive = both.entries[0], &negative = both.entries[1];
  auto wanted =
      run_network(*session, *program.value(),
                  {{"x", models::channels_last(concatenate(std::array{latent, latent}))},
                   {"timestep", Tensor::filled({2}, 300)},
                   {"context", concatenate(std::array{positive.states, negative.states})},
                   {"y", models::label(concatenate(std::array{positive.pooled, negative.pooled}),
                                       {numbers, numbers})}},
                  {"eps", "middle_q", "middle_k"}, {});
  ASSERT_TRUE(wanted.ok()) << wanted.error().message();
  ASSERT_EQ(found->size(), 3u);
  // The label is worked out in another way here, and the timestep through its sigma.
  EXPECT_LT(models::relative_error(models::channels_last((*found)[0]), (*wanted)[0]), 1e-4);
  for (std::size_t i : {1u, 2u}) EXPECT_LT(models::relative_error((*found)[i], (*wanted)[i]), 1e-4);
}

TEST_F(NetworkCallOfThePocketModel, IsSharedByConditionsOfOneSizeAndTheSameHooks) {
  const Shape size{1, 4, 8, 8};
  Condition part = prompt("in.context", "in.pooled"), hooked = part;
  part.area = diffusion::Area{8, 4, 0, 0};
  hooked.hooks = std::make_shared<Hooks>();
  const Conditioning all{{prompt("in.context", "in.pooled"),
                          prompt("in.uncond.context", "in.uncond.pooled"), part, hooked}};
  const Side side = place(*model, all, size, {}, false).value();
  EXPECT_TRUE(can_share_call(side[0], side[1]));
  EXPECT_FALSE(can_share_call(side[0], side[2]));
  EXPECT_FALSE(can_share_call(side[0], side[3]));
}

}  // namespace
}  // namespace obscura::pipeline
