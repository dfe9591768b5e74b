#include "pipeline/pairing.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

namespace obscura::pipeline {
namespace {

const Shape kPairLatent{1, 4, 8, 8};

DiffusionModel pair_model() {
  DiffusionModel model{.schedule = diffusion::NoiseSchedule::discrete()};
  model.dimensions.in_channels = 4;
  model.dimensions.out_channels = 4;
  model.dimensions.context_width = 3;
  return model;
}

Condition text_of(std::int64_t tokens, float strength = 1) {
  Condition condition;
  condition.states = Tensor(Shape{1, tokens, 3});
  condition.strength = strength;
  return condition;
}

// Predicts noise of 1 in the first condition of a call, 2 in the second, and counts the calls.
struct CountingNetwork {
  std::shared_ptr<std::vector<std::size_t>> calls = std::make_shared<std::vector<std::size_t>>();

  Result<std::vector<Tensor>> operator()(const NetworkStep&,
                                         std::span<const PlacedCondition* const> conditions,
                                         std::vector<Tensor> latents) const {
    calls->push_back(conditions.size());
    std::vector<Tensor> eps;
    for (const Tensor& latent : latents)
      eps.push_back(Tensor::filled(latent.shape(), static_cast<float>(eps.size() + 1)));
    return std::vector<Tensor>{concatenate(eps)};
  }
};

class Pairing : public testing::Test {
 protected:
  Side side_of(const Conditioning& conditioning) const {
    return place(*model_, conditioning, kPairLatent, {}, false).value();
  }
  std::vector<NetworkAnswer> predict(Predictor& predictor, const std::vector<const Side*>& sides,
                                     double sigma = 2, bool may_reuse = false) {
    const Tensor x = Tensor::filled(kPairLatent, x_);
    return predictor({x, 0, sigma, changes_, may_reuse}, sides).value();
  }

  std::shared_ptr<DiffusionModel> model_ = std::make_shared<DiffusionModel>(pair_model());
  models::UNetChanges changes_;
  float x_ = 0;  // every pixel of the latent
  CountingNetwork network_;
};

TEST_F(Pairing, TakesTheFirstThatCanShareACall) {
  Condition part = text_of(77);
  part.area = diffusion::Area{4, 8, 0, 0};
  Condition hooked = text_of(77);
  hooked.hooks = std::make_shared<Hooks>();
  const Conditioning all{{text_of(77), text_of(154), part, hooked, text_of(77)}};
  const Side side = side_of(all);
  std::vector<Job> jobs;
  for (const PlacedCondition& placed : side) jobs.push_back({&placed, 0});
  const auto calls = paired(jobs);
  ASSERT_EQ(calls.size(), 4u);
  ASSERT_EQ(calls[0].size(), 2u);
  EXPECT_EQ(calls[0][0].condition, &side[0]);
  EXPECT_EQ(calls[0][1].condition, &side[4]);
  for (std::size_t i = 1; i < calls.size(); ++i) EXPECT_EQ(calls[i].size(), 1u);
}

TEST_F(Pairing, NeverPutsThreeIntoACall) {
  const Conditioning all{{text_of(77), text_of(77), text_of(77)}};
  const Side side = side_of(all);
  std::vector<Job> jobs;
  for (const PlacedCondition& placed : side) jobs.push_back({&placed, 0});
  const auto calls = paired(jobs);
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[1][0].condition, &side[2]);
}

TEST_F(Pairing, AnswersEachSideByItsOwnConditions) {
  const Conditioning positive{{text_of(77)}}, negative{{text_of(77)}}, none;
  const Side a = side_of(positive), b = side_of(negative), c = side_of(none);
  Predictor predictor(network_, model_);
  const auto answers = predict(predictor, {&a, &b, &c});
  EXPECT_EQ(*network_.calls, (std::vector<std::size_t>{2}));
  // x0 = x - sigma * eps
  EXPECT_FLOAT_EQ(answers[0].x0.data()[0], -2);
  EXPECT_FLOAT_EQ(answers[1].x0.data()[0], -4);
  EXPECT_EQ(answers[2].x0.data()[0], 0);
}

TEST_F(Pairing, MixesTheConditionsOfASideByTheirWeights) {
  const Conditioning both{{text_of(77, 1), text_of(77, 3)}};
  const Side side = side_of(both);
  Predictor predictor(network_, model_);
  EXPECT_FLOAT_EQ(predict(predictor, {&side})[0].x0.data()[0], (-2 - 3 * 4) / 4.0f);
}

TEST_F(Pairing, GivesDefaultsTheRoomThatIsLeft) {
  Condition part = text_of(77), rest = text_of(77);
  part.area = diffusion::Area{8, 4, 0, 0};
  part.strength = 2;
  rest.is_default = true;
  const Conditioning both{{part, rest}};
  const Side side = side_of(both);
  Predictor predictor(
      [](const NetworkStep&, std::span<const PlacedCondition* const> conditions,
         const std::vector<Tensor>& latents) -> Result<std::vector<Tensor>> {
        return std::vector<Tensor>{
            Tensor::filled(latents[0].shape(), conditions[0]->condition->is_default ? 1.0f : 5.0f)};
      },
      model_);
  const Tensor x0 = predict(predictor, {&side})[0].x0;
  EXPECT_FLOAT_EQ(x0.data()[0], -10) << "the part's own";
  EXPECT_FLOAT_EQ(x0.data()[7], -2) << "the default's";
}

TEST_F(Pairing, LeavesOutWhatAFormerStepForetells) {
  model_->patches.reuse = StepReuse{.threshold = 1e9, .start_percent = 0, .end_percent = 1};
  const Conditioning positive{{text_of(77)}};
  const Side side = side_of(positive);
  Predictor predictor(network_, model_);
  for (float sigma : {8.0f, 4.0f, 2.0f}) {
    x_ = sigma;
    predict(predictor, {&side}, sigma, true);
  }
  const std::size_t made = network_.calls->size();
  EXPECT_LT(made, 3u);
  predict(predictor, {&side}, 1, false);
  EXPECT_EQ(network_.calls->size(), made + 1) << "a further question is always computed";
  ASSERT_EQ(predictor.left_out().size(), 1u);
  EXPECT_EQ(predictor.left_out()[0].asked, 3);
  EXPECT_EQ(predictor.left_out()[0].left_out.size(), 3 - made);
}

}  // namespace
}  // namespace obscura::pipeline
