#include "pipeline/placed_condition.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "pipeline/label.h"

namespace obscura::pipeline {
namespace {

using diffusion::Area;
using diffusion::Region;

// Where a condition applies; none: everywhere. `mask` is its mask at the latent's size.
std::optional<Area> area_of(const Condition& condition, const Tensor& mask, const Shape& latent) {
  if (condition.area_is_mask_bounds && !mask.empty()) return diffusion::bounds_of_mask(mask);
  if (!condition.area && condition.area_fractions) {
    const AreaFractions& part = *condition.area_fractions;
    return diffusion::area_of_fractions(part.height, part.width, part.y, part.x, latent);
  }
  return condition.area;
}

// A step reaches from its sigma down to above the next one's.
void limit_to_steps(Region& region, const Condition::Steps& steps, std::span<const float> sigmas) {
  const auto count = static_cast<int>(sigmas.size()) - 1;
  if (steps.first >= count) {
    region.start_sigma = -1;  // never
    return;
  }
  auto sigma_of = [&](int step) { return sigmas[static_cast<std::size_t>(step)]; };
  if (steps.first > 0)
    region.start_sigma = std::min<double>(region.start_sigma, sigma_of(steps.first));
  if (steps.end < count) {
    const float above = std::nextafter(sigma_of(steps.end), std::numeric_limits<float>::max());
    region.end_sigma = std::max<double>(region.end_sigma, above);
  }
}

Region region_of(const Condition& condition, const diffusion::NoiseSchedule& schedule,
                 const Shape& latent, std::span<const float> sigmas) {
  Region region;
  region.strength = condition.strength;
  region.mask_strength = condition.mask_strength;
  if (condition.mask) region.mask = diffusion::fit_mask(*condition.mask, latent);
  region.start_sigma =
      schedule.percent_to_sigma(std::max(condition.start_percent, condition.text_start_percent));
  region.end_sigma =
      schedule.percent_to_sigma(std::min(condition.end_percent, condition.text_end_percent));
  if (condition.steps) limit_to_steps(region, *condition.steps, sigmas);
  region.area = area_of(condition, region.mask, latent);
  return region;
}

Status check_texts(const DiffusionModel& model, const Condition& condition) {
  const std::int64_t wanted = model.dimensions.context_width, found = condition.states.shape()[2];
  if (found == wanted) return {};
  return Error(ErrorKind::kInvalidInput,
               fmt::format("the model {} wants text states of {} features, the conditioning has "
                           "{}: it was made by the text encoders of another kind of model",
                           model.file->name(), wanted, found));
}

Status check_area(const std::optional<Area>& area, const Shape& latent,
                  const checkpoint::LatentSpace& space) {
  if (!area || (area->y < latent[2] && area->x < latent[3])) return {};
  return Error(ErrorKind::kInvalidInput,
               fmt::format("an area that begins at {}, {} lies outside an image of {}x{}",
                           area->x * space.pixels, area->y * space.pixels, latent[3] * space.pixels,
                           latent[2] * space.pixels));
}

void set_region(PlacedCondition& placed, Region region, const Shape& latent) {
  placed.area = diffusion::evaluated_area(region, latent);
  placed.weights = diffusion::region_weights(region, latent);
  placed.region = std::move(region);
}

std::vector<Region> regions_of(const Side& side) {
  std::vector<Region> regions;
  for (const PlacedCondition& placed : side) regions.push_back(placed.region);
  return regions;
}

}  // namespace

Result<Side> place(const DiffusionModel& model, const Conditioning& conditioning,
                   const Shape& latent, const RunSurroundings& run, bool negative) {
  Side side;
  for (const Condition& condition : conditioning.entries) {
    OBSCURA_TRY(check_texts(model, condition));
    PlacedCondition& placed = side.emplace_back();
    placed.condition = &condition;
    Region region = region_of(condition, model.schedule, latent, run.sigmas);
    OBSCURA_TRY(check_area(region.area, latent, model.family->latents));
    set_region(placed, std::move(region), latent);
    OBSCURA_ASSIGN(placed.label, label_of(model, condition, latent, negative));
    placed.concat = concat_channels(model, condition, latent, run.sampled);
  }
  return side;
}

void add_counterparts(Side& own, const Side& others, const Shape& latent) {
  const auto own_regions = regions_of(own), other_regions = regions_of(others);
  for (const diffusion::RegionUse& use : diffusion::counterparts(own_regions, other_regions)) {
    PlacedCondition added = own[use.conditioning];
    set_region(added, use.region, latent);
    own.push_back(std::move(added));
  }
}

Tensor room_for_defaults(const Side& side, double sigma, const Shape& latent) {
  Tensor room = Tensor::filled({1, 1, latent[2], latent[3]}, 1);
  for (const PlacedCondition& placed : side) {
    if (placed.condition->is_default || !placed.region.active_at(sigma)) continue;
    const Area& area = placed.area;
    for (std::int64_t i = 0; i < area.height * area.width; ++i) {
      std::int64_t y = area.y + i / area.width, x = area.x + i % area.width;
      float& value = room.data()[y * latent[3] + x];
      value = std::max(0.0f, value - placed.weights.data()[i]);
    }
  }
  return room;
}

}  // namespace obscura::pipeline
