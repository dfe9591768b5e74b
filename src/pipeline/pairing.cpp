#include "pipeline/pairing.h"

#include <algorithm>
#include <optional>

#include "diffusion/latent_math.h"
#include "diffusion/regions.h"

namespace obscura::pipeline {
namespace {

std::vector<Job> active_jobs(std::span<const Side* const> sides, double sigma) {
  std::vector<Job> jobs;
  for (std::size_t side = 0; side < sides.size(); ++side)
    for (const PlacedCondition& placed : *sides[side])
      if (placed.region.active_at(sigma)) jobs.push_back({&placed, side});
  return jobs;
}

// What each pixel of a condition's prediction counts; `room` is its side's room_for_defaults().
Tensor weights_of(const PlacedCondition& placed, const Tensor& room) {
  if (!placed.condition->is_default) return placed.weights;
  return diffusion::cut_out(room, placed.area).reshaped(placed.weights.shape());
}

}  // namespace

std::vector<std::vector<Job>> paired(std::vector<Job> jobs) {
  std::vector<std::vector<Job>> calls;
  while (!jobs.empty()) {
    std::vector<Job>& call = calls.emplace_back(std::vector{jobs.front()});
    jobs.erase(jobs.begin());
    auto partner = std::find_if(jobs.begin(), jobs.end(), [&](const Job& job) {
      return can_share_call(*job.condition, *call[0].condition);
    });
    if (partner == jobs.end()) continue;
    call.push_back(*partner);
    jobs.erase(partner);
  }
  return calls;
}

Result<std::vector<NetworkAnswer>> Predictor::answers(
    const NetworkStep& step, diffusion::ConditionReuse* reuse,
    std::span<const PlacedCondition* const> conditions) {
  std::vector<Tensor> noisy, seen;
  const double scale = model_->schedule.input_scale(step.sigma);
  for (const PlacedCondition* placed : conditions) {
    noisy.push_back(diffusion::cut_out(step.x, placed->area));
    seen.push_back(diffusion::weighted_sum({{scale, noisy.back()}}));
  }
  const std::vector<const void*> keys(conditions.begin(), conditions.end());
  std::vector<Tensor> outputs;
  if (auto foretold = reuse ? reuse->foretold(keys, seen) : std::nullopt) {
    outputs.push_back(concatenate(*foretold));
  } else {
    OBSCURA_ASSIGN(outputs, network_(step, conditions, seen));
    if (reuse != nullptr) reuse->computed(keys, seen, outputs[0]);
  }
  const Tensor x0 = model_->schedule.denoised(concatenate(noisy), outputs[0], step.sigma);
  std::vector<NetworkAnswer> found;
  for (std::int64_t i = 0; i < x0.shape()[0]; ++i) {
    NetworkAnswer& one = found.emplace_back(NetworkAnswer{x0.slice(i), {}});
    for (std::size_t k = 1; k < outputs.size(); ++k) one.shown.push_back(outputs[k].slice(i));
  }
  return found;
}

Result<std::vector<NetworkAnswer>> Predictor::operator()(const NetworkStep& step,
                                                         std::span<const Side* const> sides) {
  diffusion::ConditionReuse* reuse = reuse_of(step);
  std::vector<Tensor> rooms;
  for (const Side* side : sides)
    rooms.push_back(room_for_defaults(*side, step.sigma, step.x.shape()));
  std::vector<NetworkAnswer> results(sides.size());
  std::vector<std::vector<diffusion::RegionPrediction>> parts(sides.size());
  for (const std::vector<Job>& call : paired(active_jobs(sides, step.sigma))) {
    std::vector<const PlacedCondition*> conditions;
    for (const Job& job : call) conditions.push_back(job.condition);
    OBSCURA_ASSIGN(auto found, answers(step, reuse, conditions));
    for (std::size_t i = 0; i < call.size(); ++i) {
      const auto& [placed, side] = call[i];
      results[side].shown = std::move(found[i].shown);
      parts[side].push_back({found[i].x0, placed->area, weights_of(*placed, rooms[side])});
    }
  }
  for (std::size_t side = 0; side < sides.size(); ++side)
    results[side].x0 = diffusion::weighted_mean(step.x.shape(), parts[side]);
  return results;
}

diffusion::ConditionReuse* Predictor::reuse_of(const NetworkStep& step) {
  const std::optional<StepReuse>& patch = model_->patches.reuse;
  if (!step.may_reuse || !patch || patch->of != StepReuse::Of::kNetwork) return nullptr;
  auto& reuse = reuse_.try_emplace(step.image, patch->options(model_->schedule)).first->second;
  reuse.begin_step(step.sigma);
  // What the network shows of itself cannot be foretold.
  return step.changes.shown().empty() ? &reuse : nullptr;
}

void Predictor::forget() {
  for (auto& [image, reuse] : reuse_) reuse.forget();
}

std::vector<diffusion::ReuseCount> Predictor::left_out() const {
  std::vector<diffusion::ReuseCount> counts;
  for (const auto& [image, reuse] : reuse_) counts.push_back(reuse.count());
  return counts;
}

}  // namespace obscura::pipeline
