// Several conditionings in one image: where, when and how strongly each counts, and how their
// predictions combine.
//
// For each step the active conditionings are evaluated one by one, each on its own part of the
// latent, and their predictions averaged with weights. The rules are ComfyUI's, areas in latent
// pixels.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tensor/tensor.h"

namespace obscura::diffusion {

struct Area {
  std::int64_t height, width, y, x;
  bool operator==(const Area&) const = default;
  bool contains(const Area& other) const;
};

// Shares of the latent's height and width, rounded half to even, at least one pixel in size.
Area area_of_fractions(double height, double width, double y, double x, const Shape& latent);

struct Region {
  std::optional<Area> area;  // the whole latent if there is none
  Tensor mask;               // (masks, H, W) of the latent's size, or empty; see fit_mask()
  double mask_strength = 1;
  double strength = 1;
  // Counts while end_sigma <= sigma <= start_sigma: NoiseSchedule::percent_to_sigma of its start
  // and end.
  double start_sigma = 1e30;
  double end_sigma = 0;

  bool active_at(double sigma) const { return sigma <= start_sigma && sigma >= end_sigma; }
};

// A mask (masks, H, W) brought bilinearly to the size of `latent` (B, C, H, W). REQUIRES: rank 3,
// not empty.
Tensor fit_mask(const Tensor& mask, const Shape& latent);
// The smallest area that holds all of a mask's pixels other than 0, but at least 8 pixels each way,
// as far as `mask` reaches.
Area bounds_of_mask(const Tensor& mask);

// The part of the latent that a region is evaluated on: its area, cut at the border. REQUIRES: it
// overlaps the latent.
Area evaluated_area(const Region& region, const Shape& latent);
// That part of a latent (B, C, H, W).
Tensor cut_out(const Tensor& latent, const Area& area);
// How much each pixel of the region's prediction counts: (B, height, width) of its evaluated area.
// Areas without a mask fade in over up to 8 pixels at the edges that are not the latent's. Masks
// repeat over the batch.
Tensor region_weights(const Region& region, const Shape& latent);

struct RegionPrediction {
  Tensor prediction;  // (B, C, height, width) of the area
  Area area;
  Tensor weights;  // (B, height, width)
};
// The weighted mean of the predictions over a latent of this shape; 0 where none counts.
Tensor weighted_mean(const Shape& latent, std::span<const RegionPrediction> parts);

// A region and which conditioning it asks: an index into some list.
struct RegionUse {
  std::size_t conditioning;
  Region region;
};
// What to add to one side's regions (the negative's) so that each area of the other side (the
// positive's) meets a prediction made on the same crop: for every area of `others` without an
// equal, its region with the smallest of `own` that contains it.
std::vector<RegionUse> counterparts(std::span<const Region> own, std::span<const Region> others);

}  // namespace obscura::diffusion
