// Predictions of x0 for sides of conditions in as few calls of the network as sizes allow, leaving
// out those that a former step foretells.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"
#include "diffusion/step_reuse.h"
#include "pipeline/model.h"
#include "pipeline/network_call.h"
#include "pipeline/patches.h"
#include "pipeline/placed_condition.h"

namespace obscura::pipeline {

// A part of a prediction that is still to be computed.
struct Job {
  const PlacedCondition* condition = nullptr;
  std::size_t side = 0;
};

// Each job with the first one behind it that can share its call, if there is one: the weights are
// then read once for both.
std::vector<std::vector<Job>> paired(std::vector<Job> jobs);

// Predicts one image at a time, so that an image's bits do not depend on the batch. Not thread
// safe.
class Predictor {
 public:
  Predictor(Network network, std::shared_ptr<const DiffusionModel> model)
      : network_(std::move(network)), model_(std::move(model)) {}

  // The weighted mean of each side's predictions, (1, C, h, w); zero for a side without an active
  // condition. What the changes show is that of the side's last condition.
  Result<std::vector<NetworkAnswer>> operator()(const NetworkStep& step,
                                                std::span<const Side* const> sides);

  // The conditions are others from now on.
  void forget();
  // Which calls the model's StepReuse left out so far, an entry an image; none if it has no such
  // thing.
  std::vector<diffusion::ReuseCount> left_out() const;

 private:
  // An image's; null where every call is made.
  diffusion::ConditionReuse* reuse_of(const NetworkStep& step);
  // The answers for conditions that share a call, in one call or none.
  Result<std::vector<NetworkAnswer>> answers(const NetworkStep& step,
                                             diffusion::ConditionReuse* reuse,
                                             std::span<const PlacedCondition* const> conditions);

  Network network_;
  std::shared_ptr<const DiffusionModel> model_;
  std::map<std::int64_t, diffusion::ConditionReuse> reuse_;  // by the image
};

}  // namespace obscura::pipeline
