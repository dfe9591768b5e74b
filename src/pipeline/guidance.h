// Which conditions guide a run and how their predictions combine: the socket GUIDER, without its
// model.
#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "pipeline/conditioning.h"
#include "pipeline/patches.h"
#include "tensor/tensor.h"

namespace obscura::pipeline {

enum class GuidanceKind {
  kCfg,            // negative + cfg * (positive - negative)
  kDualCfg,        // of two conditions, InstructPix2Pix's (arXiv:2211.09800) way
  kDualCfgNested,  // the guidance of both against the negative
  kPerpNeg,        // only that part of the negative counts that is perpendicular to the positive
};

struct Guidance {
  GuidanceKind kind = GuidanceKind::kCfg;
  Conditioning positive, negative;
  // kDualCfg, kDualCfgNested: the second condition. kPerpNeg: an empty prompt.
  Conditioning third;
  double cfg = 8;
  // kDualCfg, kDualCfgNested: of the second condition against the negative. kPerpNeg: how much the
  // negative counts.
  double second = 1;
};

// Whether the negative has to be asked: where it counts for nothing, half the work is saved.
bool asks_negative(const Guidance& guidance, std::span<const GuidanceFunctions> functions);

// The guided prediction at a step whose `cond` and `uncond` answer the positive and the negative,
// by the model's functions and `guidance`. `third` answers the third conditioning where there is
// one, else it is empty.
Result<Tensor> guided(GuidanceStep& step, const Guidance& guidance, const Tensor& third,
                      const std::vector<GuidanceFunctions>& functions);

}  // namespace obscura::pipeline
