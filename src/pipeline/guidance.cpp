#include "pipeline/guidance.h"

#include <algorithm>
#include <utility>

#include "diffusion/guidance.h"
#include "diffusion/latent_math.h"

namespace obscura::pipeline {
namespace {

using diffusion::weighted_sum;
using Functions = std::vector<GuidanceFunctions>;

// What the functions make of a guided prediction.
Result<Tensor> changed_after(const GuidanceStep& step, Tensor guided, const Functions& functions) {
  for (const GuidanceFunctions& patch : functions) {
    if (!patch.after) continue;
    OBSCURA_ASSIGN(guided, patch.after(step, std::move(guided)));
  }
  return guided;
}

Result<Tensor> combined(const GuidanceStep& step, const Functions& functions) {
  Tensor result;
  const GuidanceFunctions* last = nullptr;
  for (const GuidanceFunctions& patch : functions)
    if (patch.combine) last = &patch;
  if (last != nullptr) {
    OBSCURA_ASSIGN(result, last->combine(step));
  } else {
    result = diffusion::cfg(step.cond, step.uncond, step.cfg);
  }
  return changed_after(step, std::move(result), functions);
}

// The same step with other predictions in place of the positive's and the negative's.
GuidanceStep between(const GuidanceStep& step, Tensor cond, Tensor uncond, double cfg) {
  GuidanceStep other = step;
  other.cond = std::move(cond);
  other.uncond = std::move(uncond);
  other.cfg = cfg;
  return other;
}

Result<Tensor> dual(const GuidanceStep& step, const Guidance& guidance, const Tensor& middle,
                    const Functions& functions) {
  if (guidance.kind == GuidanceKind::kDualCfgNested) {
    OBSCURA_ASSIGN(Tensor text,
                   combined(between(step, step.cond, middle, guidance.cfg), functions));
    return diffusion::cfg(text, step.uncond, guidance.second);
  }
  OBSCURA_ASSIGN(Tensor base,
                 combined(between(step, middle, step.uncond, guidance.second), functions));
  return weighted_sum({{1, base}, {guidance.cfg, step.cond}, {-guidance.cfg, middle}});
}

Result<Tensor> perp_neg(const GuidanceStep& step, const Guidance& guidance, const Tensor& empty,
                        const Functions& functions) {
  Tensor result = diffusion::perpendicular_negative(step.cond, step.uncond, empty, guidance.cfg,
                                                    guidance.second);
  return changed_after(step, std::move(result), functions);
}

}  // namespace

bool asks_negative(const Guidance& guidance, std::span<const GuidanceFunctions> functions) {
  auto needs_it = [](const GuidanceFunctions& patch) { return patch.needs_uncond; };
  if (std::any_of(functions.begin(), functions.end(), needs_it)) return true;
  switch (guidance.kind) {
    case GuidanceKind::kPerpNeg:
      return true;
    case GuidanceKind::kDualCfg:
    case GuidanceKind::kDualCfgNested:
      return guidance.second != 1;
    case GuidanceKind::kCfg:
      break;
  }
  return guidance.cfg != 1;
}

Result<Tensor> guided(GuidanceStep& step, const Guidance& guidance, const Tensor& third,
                      const std::vector<GuidanceFunctions>& functions) {
  switch (guidance.kind) {
    case GuidanceKind::kDualCfg:
    case GuidanceKind::kDualCfgNested:
      return dual(step, guidance, third, functions);
    case GuidanceKind::kPerpNeg:
      return perp_neg(step, guidance, third, functions);
    case GuidanceKind::kCfg:
      break;
  }
  for (const GuidanceFunctions& patch : functions) {
    if (!patch.before) continue;
    OBSCURA_TRY(patch.before(step));
  }
  return combined(step, functions);
}

}  // namespace obscura::pipeline
