// Where, when and how strongly a condition counts: conditions made ready for one run and one latent
// size.
//
// The only place where a Condition's areas, masks, percents and steps are read: any further way to
// say where or when becomes a diffusion::Region here, and the parts behind this one know regions
// alone. What a condition brings to the network's calls, and is the same in all of them, is made
// here once.
#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "diffusion/regions.h"
#include "pipeline/concat.h"
#include "pipeline/conditioning.h"
#include "pipeline/model.h"
#include "tensor/tensor.h"

namespace obscura::pipeline {

struct PlacedCondition {
  const Condition* condition = nullptr;  // borrowed
  diffusion::Region region;
  diffusion::Area area = {};  // the part of the latent that is evaluated
  Tensor weights;             // (1, height, width) of the area
  Tensor label;               // (1, label_width); empty if the network takes none
  Tensor concat;              // (B, extra input channels, h, w); empty if the network takes none
};

// The positive conditions, the negative, or others.
using Side = std::vector<PlacedCondition>;

// What is known of a run besides its conditions.
struct RunSurroundings {
  SampledImage sampled;       // what inpainting models see, where a condition does not say
  std::vector<float> sigmas;  // the run's schedule, for conditions that count in some of its steps
};

// For latents of shape (1, C, h, w). kInvalidInput if a condition is of another kind of model or
// lies outside the latent.
Result<Side> place(const DiffusionModel& model, const Conditioning& conditioning,
                   const Shape& latent, const RunSurroundings& run, bool negative);

// Adds to `own` what every area of `others` needs to meet a prediction made on the same crop.
void add_counterparts(Side& own, const Side& others, const Shape& latent);

// What the conditions that are active at `sigma` and no defaults leave of a weight of 1, (1, 1, h,
// w): how much the defaults count.
Tensor room_for_defaults(const Side& side, double sigma, const Shape& latent);

}  // namespace obscura::pipeline
