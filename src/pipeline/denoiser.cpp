#include "pipeline/denoiser.h"

#include <array>
#include <cstdint>

#include "models/unet/unet_changes.h"
#include "pipeline/network_call.h"

namespace obscura::pipeline {
namespace {

std::vector<GuidanceFunctions> guidance_functions(const DiffusionModel& model) {
  std::vector<GuidanceFunctions> functions;
  for (const GuidancePatch& patch : model.patches.guidance) functions.push_back(patch());
  return functions;
}

// What the network showed of more images of a batch.
void add_images(std::vector<Tensor>& shown, std::vector<Tensor> more) {
  if (shown.empty()) {
    shown = std::move(more);
    return;
  }
  for (std::size_t i = 0; i < shown.size(); ++i)
    shown[i] = concatenate(std::array{std::move(shown[i]), std::move(more[i])});
}

}  // namespace

GuidedDenoiser::GuidedDenoiser(runtime::Session& session,
                               std::shared_ptr<const DiffusionModel> model, Guidance guidance,
                               bool needs_uncond, CancelToken cancel)
    : model_(std::move(model)),
      guidance_(std::move(guidance)),
      functions_(guidance_functions(*model_)),
      asks_negative_(needs_uncond || asks_negative(guidance_, functions_)),
      predict_(NetworkCall(session, model_, std::move(cancel)), model_) {}

Result<Side> GuidedDenoiser::place_here(const Conditioning& conditioning, bool negative) const {
  return place(*model_, conditioning, prepared_for_, run_, negative);
}

Status GuidedDenoiser::prepare(const Shape& latent) {
  Shape one = latent;
  one.set(0, 1);
  if (prepared_for_ == one) return {};
  prepared_for_ = one;
  asked_.clear();
  uncond_.clear();
  predict_.forget();
  OBSCURA_ASSIGN(cond_, place_here(guidance_.positive, false));
  OBSCURA_ASSIGN(third_, place_here(guidance_.third, false));
  if (asks_negative_) {
    OBSCURA_ASSIGN(uncond_, place_here(guidance_.negative, true));
  }
  for (Side* other : {&uncond_, &third_}) {
    add_counterparts(*other, cond_, one);
    add_counterparts(cond_, *other, one);
  }
  return {};
}

Result<const Side*> GuidedDenoiser::side_of(const Conditioning* conditioning) {
  if (conditioning == nullptr || conditioning == &guidance_.positive) return &cond_;
  if (conditioning == &guidance_.negative && !uncond_.empty()) return &uncond_;
  auto found = asked_.find(conditioning);
  if (found == asked_.end()) {
    OBSCURA_ASSIGN(Side placed, place_here(*conditioning, false));
    found = asked_.emplace(conditioning, std::move(placed)).first;
  }
  return &found->second;
}

Result<NetworkAnswer> GuidedDenoiser::answer(const NetworkQuestion& question,
                                             const GuidanceStep& step) {
  OBSCURA_ASSIGN(const Side* side, side_of(question.conditioning));
  const Tensor& x = question.x == nullptr ? step.x : *question.x;
  std::vector<Tensor> images;
  NetworkAnswer result;
  for (std::int64_t b = 0; b < x.shape()[0]; ++b) {
    const Tensor image = x.slice(b);
    OBSCURA_ASSIGN(auto answers,
                   predict_({image, b, step.sigma, question.changes}, std::array{side}));
    images.push_back(answers[0].x0);
    add_images(result.shown, std::move(answers[0].shown));
  }
  result.x0 = concatenate(images);
  return result;
}

Result<Tensor> GuidedDenoiser::predict_sides(GuidanceStep& step) {
  const std::array<const Side*, 3> sides = {&cond_, &uncond_, &third_};
  std::array<std::vector<Tensor>, 3> found;
  for (std::int64_t b = 0; b < step.x.shape()[0]; ++b) {
    const Tensor image = step.x.slice(b);
    OBSCURA_ASSIGN(auto answers, predict_({image, b, step.sigma, step.changes, true}, sides));
    if (uncond_.empty()) answers[1] = answers[third_.empty() ? 0 : 2];
    for (std::size_t side = 0; side < found.size(); ++side)
      found[side].push_back(std::move(answers[side].x0));
    add_images(step.uncond_shown, std::move(answers[1].shown));
  }
  step.cond = concatenate(found[0]);
  step.uncond = concatenate(found[1]);
  return concatenate(found[2]);
}

Result<diffusion::Denoised> GuidedDenoiser::operator()(const Tensor& x, float sigma) {
  OBSCURA_TRY(prepare(x.shape()));
  const models::UNetChanges changes = model_->patches.unet_at(sigma, model_->schedule);
  GuidanceStep step{.x = x,
                    .sigma = sigma,
                    .cfg = guidance_.cfg,
                    .schedule = model_->schedule,
                    .positive = guidance_.positive,
                    .negative = guidance_.negative,
                    .changes = changes,
                    .cond = {},
                    .uncond = {},
                    .has_uncond = !uncond_.empty(),
                    .uncond_shown = {},
                    .ask = {}};
  OBSCURA_ASSIGN(const Tensor third, predict_sides(step));
  step.ask = [&](const NetworkQuestion& question) { return answer(question, step); };
  OBSCURA_ASSIGN(Tensor x0, guided(step, guidance_, third, functions_));
  return diffusion::Denoised{std::move(x0), std::move(step.uncond)};
}

}  // namespace obscura::pipeline
