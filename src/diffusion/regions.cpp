#include "diffusion/regions.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "tensor/resize.h"

namespace obscura::diffusion {
namespace {

constexpr std::int64_t kWidestFade = 8;

// Multiplies the lines of one axis of `weights` (B, height, width) by a ramp at its begin, at its
// end, or both.
void fade(Tensor& weights, int axis, bool at_begin, bool at_end) {
  const Shape& shape = weights.shape();
  std::int64_t size = shape[axis], fading = std::min(kWidestFade, size / 4);
  auto factor = [&](std::int64_t place) {
    double value = 1;
    if (at_begin && place < fading)
      value *= static_cast<double>(place + 1) / static_cast<double>(fading);
    if (at_end && size - 1 - place < fading)
      value *= static_cast<double>(size - place) / static_cast<double>(fading);
    return static_cast<float>(value);
  };
  std::int64_t inner = axis == 1 ? shape[2] : 1;
  for (std::int64_t i = 0; i < weights.elements(); ++i)
    weights.data()[i] *= factor(i / inner % size);
}

}  // namespace

bool Area::contains(const Area& other) const {
  return y <= other.y && x <= other.x && other.y + other.height <= y + height &&
         other.x + other.width <= x + width;
}

Area area_of_fractions(double height, double width, double y, double x, const Shape& latent) {
  auto pixels = [](double share, std::int64_t size) {
    return static_cast<std::int64_t>(std::nearbyint(share * static_cast<double>(size)));
  };
  return {std::max<std::int64_t>(1, pixels(height, latent[2])),
          std::max<std::int64_t>(1, pixels(width, latent[3])), pixels(y, latent[2]),
          pixels(x, latent[3])};
}

Tensor fit_mask(const Tensor& mask, const Shape& latent) {
  const Shape& shape = mask.shape();
  OBSCURA_CHECK(shape.rank() == 3 && !mask.empty(),
                "[mask] wants (masks, H, W), got " + shape.text());
  if (shape[1] == latent[2] && shape[2] == latent[3]) return mask;
  Tensor planes = mask.reshaped({shape[0], 1, shape[1], shape[2]});
  Tensor fitted = resize(planes, latent[3], latent[2], ResizeMethod::kBilinear);
  return fitted.reshaped({shape[0], latent[2], latent[3]});
}

Area bounds_of_mask(const Tensor& mask) {
  constexpr std::int64_t kSmallest = 8;
  std::int64_t height = mask.shape()[1], width = mask.shape()[2];
  std::int64_t top = height, left = width, bottom = -1, right = -1;
  for (std::int64_t i = 0; i < mask.elements(); ++i) {
    if (mask.data()[i] == 0) continue;
    std::int64_t y = i / width % height, x = i % width;
    top = std::min(top, y);
    left = std::min(left, x);
    bottom = std::max(bottom, y);
    right = std::max(right, x);
  }
  if (bottom < 0) return {kSmallest, kSmallest, 0, 0};
  return {std::max(kSmallest, bottom - top + 1), std::max(kSmallest, right - left + 1), top, left};
}

Area evaluated_area(const Region& region, const Shape& latent) {
  if (!region.area) return {latent[2], latent[3], 0, 0};
  Area area = *region.area;
  area.height = std::min(area.height, latent[2] - area.y);
  area.width = std::min(area.width, latent[3] - area.x);
  OBSCURA_CHECK(area.y >= 0 && area.x >= 0 && area.height > 0 && area.width > 0,
                "[regions] an area outside the latent");
  return area;
}

Tensor cut_out(const Tensor& latent, const Area& area) {
  const Shape& shape = latent.shape();
  if (area == Area{shape[2], shape[3], 0, 0}) return latent;
  Tensor part({shape[0], shape[1], area.height, area.width});
  float* target = part.data();
  for (std::int64_t plane = 0; plane < shape[0] * shape[1]; ++plane) {
    for (std::int64_t row = area.y; row < area.y + area.height; ++row) {
      target = std::copy_n(latent.data() + (plane * shape[2] + row) * shape[3] + area.x, area.width,
                           target);
    }
  }
  return part;
}

Tensor region_weights(const Region& region, const Shape& latent) {
  Area area = evaluated_area(region, latent);
  auto strength = static_cast<float>(region.strength);
  Tensor weights = Tensor::filled({latent[0], area.height, area.width}, strength);
  if (!region.mask.empty()) {
    const Shape& shape = region.mask.shape();
    OBSCURA_CHECK(shape.rank() == 3 && shape[1] == latent[2] && shape[2] == latent[3],
                  "[regions] a mask of " + shape.text() + " for a latent of " + latent.text());
    Tensor mask = cut_out(region.mask.reshaped({shape[0], 1, shape[1], shape[2]}), area);
    auto factor = static_cast<float>(region.mask_strength);
    for (std::int64_t i = 0; i < weights.elements(); ++i) {
      weights.data()[i] *= mask.data()[i % mask.elements()] * factor;
    }
  } else if (region.area) {
    fade(weights, 1, area.y != 0, area.y + area.height < latent[2]);
    fade(weights, 2, area.x != 0, area.x + area.width < latent[3]);
  }
  return weights;
}

Tensor weighted_mean(const Shape& latent, std::span<const RegionPrediction> parts) {
  constexpr float kAlmostNothing = 1e-37f;  // keeps 0 / 0 out where no region counts
  std::int64_t plane = latent[2] * latent[3];
  Tensor sum(latent);
  std::vector<float> total(static_cast<std::size_t>(latent[0] * plane), kAlmostNothing);
  for (const RegionPrediction& part : parts) {
    const Area& area = part.area;
    OBSCURA_CHECK(
        (part.prediction.shape() == Shape{latent[0], latent[1], area.height, area.width}) &&
            (part.weights.shape() == Shape{latent[0], area.height, area.width}),
        "[regions] a prediction of " + part.prediction.shape().text() +
            " that does not fit its area");
    for (std::int64_t b = 0; b < latent[0]; ++b) {
      for (std::int64_t row = 0; row < area.height; ++row) {
        const float* weights = part.weights.data() + (b * area.height + row) * area.width;
        std::int64_t place = (area.y + row) * latent[3] + area.x;
        for (std::int64_t k = 0; k < area.width; ++k)
          total[static_cast<std::size_t>(b * plane + place + k)] += weights[k];
        for (std::int64_t c = 0; c < latent[1]; ++c) {
          const float* source =
              part.prediction.data() + ((b * latent[1] + c) * area.height + row) * area.width;
          float* target = sum.data() + (b * latent[1] + c) * plane + place;
          for (std::int64_t k = 0; k < area.width; ++k) target[k] += source[k] * weights[k];
        }
      }
    }
  }
  for (std::int64_t i = 0; i < sum.elements(); ++i) {
    std::int64_t b = i / (latent[1] * plane);
    sum.data()[i] /= total[static_cast<std::size_t>(b * plane + i % plane)];
  }
  return sum;
}

std::vector<RegionUse> counterparts(std::span<const Region> own, std::span<const Region> others) {
  std::vector<RegionUse> added;
  for (const Region& other : others) {
    if (!other.area) continue;
    std::optional<std::size_t> smallest;
    auto size_of_area = [](const Area& area) { return area.height * area.width; };
    for (std::size_t i = 0; i < own.size(); ++i) {
      const auto& area = own[i].area;
      if (!area) {
        if (!smallest) smallest = i;
      } else if (area->contains(*other.area)) {
        bool smaller = !smallest || !own[*smallest].area ||
                       size_of_area(*own[*smallest].area) > size_of_area(*area);
        if (smaller) smallest = i;
      }
    }
    if (smallest && own[*smallest].area != other.area) added.push_back({*smallest, other});
  }
  return added;
}

}  // namespace obscura::diffusion
