// One call of the U-Net: from conditions and a latent to what the network predicts.
//
// The only place that knows the network's inputs. What other networks or images bring to a call
// enters here beside latent, timestep, text and label: a control network runs just before, on the
// same latents, timestep and conditions, and its residuals are further inputs (UNetFeatures says
// what they are added to); so are the features of a reference image (SelfAttentionChanges).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/cancel.h"
#include "base/result.h"
#include "models/unet/unet_changes.h"
#include "pipeline/hooks.h"
#include "pipeline/model.h"
#include "pipeline/placed_condition.h"
#include "runtime/session.h"
#include "tensor/tensor.h"

namespace obscura::pipeline {

// What is asked of the network at a step, for one image of the batch.
struct NetworkStep {
  const Tensor& x;         // (1, C, h, w)
  std::int64_t image = 0;  // its place in the batch
  double sigma = 0;
  const models::UNetChanges& changes;
  bool may_reuse = false;  // a former step's outputs will do where StepReuse says so
};

// "eps" (N, C, h, w) for N conditions of can_share_call(), then what the changes show. latents[i]
// (1, C, h, w) is of conditions[i]'s area, scaled as the network wants it.
using Network = std::function<Result<std::vector<Tensor>>(
    const NetworkStep& step, std::span<const PlacedCondition* const> conditions,
    std::vector<Tensor> latents)>;

// Whether one call can answer both: sizes and weights are the same.
bool can_share_call(const PlacedCondition& a, const PlacedCondition& b);

// The Network of a model. Borrows `session`. Not thread safe.
class NetworkCall {
 public:
  NetworkCall(runtime::Session& session, std::shared_ptr<const DiffusionModel> model,
              CancelToken cancel)
      : session_(session), model_(model), weights_(std::move(model)), cancel_(std::move(cancel)) {}

  Result<std::vector<Tensor>> operator()(const NetworkStep& step,
                                         std::span<const PlacedCondition* const> conditions,
                                         std::vector<Tensor> latents);

 private:
  Result<runtime::Program*> program(const NetworkStep& step, const PlacedCondition& first,
                                    std::int64_t batch);

  runtime::Session& session_;
  std::shared_ptr<const DiffusionModel> model_;
  HookedWeights weights_;
  CancelToken cancel_;
};

}  // namespace obscura::pipeline
