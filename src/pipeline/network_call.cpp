#include "pipeline/network_call.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

#include "diffusion/regions.h"
#include "models/unet/unet.h"
#include "pipeline/concat.h"
#include "pipeline/network.h"

namespace obscura::pipeline {
namespace {

// As the network wants them: latents with the channels beside them, texts and labels of all
// conditions together.
std::vector<NamedInput> network_inputs(const DiffusionModel& model, const NetworkStep& step,
                                       std::span<const PlacedCondition* const> conditions,
                                       std::vector<Tensor> latents) {
  std::vector<Tensor> states, labels;
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const PlacedCondition& placed = *conditions[i];
    if (const Tensor& concat = placed.concat; !concat.empty()) {
      Tensor beside = concat.slice(step.image % concat.shape()[0]);
      latents[i] = join_channels(latents[i], diffusion::cut_out(beside, placed.area));
    }
    states.push_back(placed.condition->states);
    labels.push_back(placed.label);
  }
  const auto batch = static_cast<std::int64_t>(conditions.size());
  const auto timestep = static_cast<float>(model.schedule.timestep(step.sigma));
  std::vector<NamedInput> inputs = {{"x", image_of_planes(concatenate(latents))},
                                    {"timestep", Tensor::filled({batch}, timestep)}};
  if (model.dimensions.context_width > 0) inputs.push_back({"context", concatenate(states)});
  if (model.dimensions.label_width > 0) inputs.push_back({"y", concatenate(labels)});
  return inputs;
}

}  // namespace

bool can_share_call(const PlacedCondition& a, const PlacedCondition& b) {
  return a.area.height == b.area.height && a.area.width == b.area.width &&
         a.condition->states.shape() == b.condition->states.shape() &&
         a.condition->hooks == b.condition->hooks;
}

Result<runtime::Program*> NetworkCall::program(const NetworkStep& step,
                                               const PlacedCondition& first, std::int64_t batch) {
  const models::UNetCall shape{.batch = batch,
                               .height = first.area.height,
                               .width = first.area.width,
                               .tokens = first.condition->states.shape()[1],
                               .changes = step.changes};
  const std::string key = fmt::format("unet {}x{}x{} {} tokens{}", batch, shape.height, shape.width,
                                      shape.tokens, step.changes.key());
  OBSCURA_ASSIGN(auto weights, weights_.at(first.condition->hooks, step.sigma));
  return session_.program(key, weights,
                          [&] { return models::build_unet(*weights, model_->config, shape); });
}

Result<std::vector<Tensor>> NetworkCall::operator()(
    const NetworkStep& step, std::span<const PlacedCondition* const> conditions,
    std::vector<Tensor> latents) {
  OBSCURA_ASSIGN(runtime::Program * unet,
                 program(step, *conditions[0], static_cast<std::int64_t>(conditions.size())));
  const std::vector<std::string> shown = step.changes.shown();
  std::vector<std::string_view> names = {"eps"};
  names.insert(names.end(), shown.begin(), shown.end());
  OBSCURA_ASSIGN(
      auto outputs,
      run_network(session_, *unet, network_inputs(*model_, step, conditions, std::move(latents)),
                  names, cancel_));
  outputs[0] = planes_of_image(outputs[0]);
  return outputs;
}

}  // namespace obscura::pipeline
