#include "image/canny.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <numbers>
#include <vector>

#include "base/cancel.h"
#include "base/result.h"
#include "image/channels.h"
#include "tensor/tensor.h"

namespace obscura::image {
namespace {

// One channel of one image.
struct Plane {
  std::int64_t height, width;
  std::vector<float> values = std::vector<float>(static_cast<std::size_t>(height * width));

  float& at(std::int64_t y, std::int64_t x) {
    return values[static_cast<std::size_t>(y * width + x)];
  }
  float at(std::int64_t y, std::int64_t x) const {
    return values[static_cast<std::size_t>(y * width + x)];
  }
  bool has(std::int64_t y, std::int64_t x) const {
    return y >= 0 && x >= 0 && y < height && x < width;
  }
  float nearest(std::int64_t y, std::int64_t x) const {
    return at(std::clamp<std::int64_t>(y, 0, height - 1),
              std::clamp<std::int64_t>(x, 0, width - 1));
  }
};

Plane luma(const Tensor& image, std::int64_t index) {
  const Shape& s = image.shape();
  Plane plane{s[1], s[2]};
  const float* pixels = image.data() + index * s[1] * s[2] * s[3];
  for (float& value : plane.values) {
    value = 0.299f * pixels[0] + 0.587f * pixels[1] + 0.114f * pixels[2];
    pixels += s[3];
  }
  return plane;
}

std::int64_t reflected(std::int64_t i, std::int64_t length) {
  if (length == 1) return 0;
  i = std::abs(i);
  return i < length ? i : 2 * (length - 1) - i;
}

// 5x5, sigma 1, reflecting at the borders.
Plane blurred(const Plane& plane) {
  const double weights[] = {std::exp(-2.0), std::exp(-0.5), 1, std::exp(-0.5), std::exp(-2.0)};
  const double sum = 1 + 2 * (weights[0] + weights[1]);
  Plane result{plane.height, plane.width};
  for (std::int64_t y = 0; y < plane.height; ++y) {
    for (std::int64_t x = 0; x < plane.width; ++x) {
      double value = 0;
      for (std::int64_t dy = -2; dy <= 2; ++dy)
        for (std::int64_t dx = -2; dx <= 2; ++dx)
          value += weights[dy + 2] * weights[dx + 2] *
                   plane.at(reflected(y + dy, plane.height), reflected(x + dx, plane.width));
      result.at(y, x) = static_cast<float>(value / (sum * sum));
    }
  }
  return result;
}

struct Step {
  std::int64_t y, x;
};
// The neighbours by the direction of the gradient in eighths of a turn, y pointing down.
constexpr Step kNeighbours[] = {{0, 1},  {1, 1},   {1, 0},  {1, -1},
                                {0, -1}, {-1, -1}, {-1, 0}, {-1, 1}};

// The lengths of the gradients that are larger than both neighbours along them; 0 elsewhere.
Plane ridges(const Plane& plane) {
  Plane lengths{plane.height, plane.width};
  std::vector<int> directions(plane.values.size());
  for (std::int64_t y = 0; y < plane.height; ++y) {
    for (std::int64_t x = 0; x < plane.width; ++x) {
      auto p = [&](std::int64_t dy, std::int64_t dx) { return plane.nearest(y + dy, x + dx); };
      float gx = p(-1, 1) - p(-1, -1) + 2 * (p(0, 1) - p(0, -1)) + p(1, 1) - p(1, -1);
      float gy = p(1, -1) - p(-1, -1) + 2 * (p(1, 0) - p(-1, 0)) + p(1, 1) - p(-1, 1);
      lengths.at(y, x) = std::sqrt(gx * gx + gy * gy + 1e-6f);
      double eighths = std::atan2(gy, gx) / (std::numbers::pi / 4);
      directions[static_cast<std::size_t>(y * plane.width + x)] =
          (static_cast<int>(std::nearbyint(eighths)) + 8) % 8;
    }
  }
  Plane result{plane.height, plane.width};
  for (std::int64_t y = 0; y < plane.height; ++y) {
    for (std::int64_t x = 0; x < plane.width; ++x) {
      Step step = kNeighbours[directions[static_cast<std::size_t>(y * plane.width + x)]];
      auto length = [&](std::int64_t ny, std::int64_t nx) {
        return lengths.has(ny, nx) ? lengths.at(ny, nx) : 0;
      };
      float here = lengths.at(y, x);
      bool ridge = here > length(y + step.y, x + step.x) && here > length(y - step.y, x - step.x);
      result.at(y, x) = ridge ? here : 0;
    }
  }
  return result;
}

// 1 where a ridge is above `high`, or above `low` and connected to such a one.
Plane edges(const Plane& ridge, double low, double high) {
  Plane result{ridge.height, ridge.width};
  std::vector<Step> open;
  for (std::int64_t y = 0; y < ridge.height; ++y) {
    for (std::int64_t x = 0; x < ridge.width; ++x) {
      if (ridge.at(y, x) <= high) continue;
      result.at(y, x) = 1;
      open.push_back({y, x});
    }
  }
  while (!open.empty()) {
    Step at = open.back();
    open.pop_back();
    for (const Step& step : kNeighbours) {
      std::int64_t y = at.y + step.y, x = at.x + step.x;
      if (!ridge.has(y, x) || result.at(y, x) == 1 || ridge.at(y, x) <= low) continue;
      result.at(y, x) = 1;
      open.push_back({y, x});
    }
  }
  return result;
}

}  // namespace

Result<Tensor> canny(const Tensor& images, double low, double high, const CancelToken& cancel) {
  const Shape& s = images.shape();
  Tensor result(Shape{s[0], s[1], s[2]});
  for (std::int64_t b = 0; b < s[0]; ++b) {
    OBSCURA_TRY(cancel.check());
    const Plane found = edges(ridges(blurred(luma(images, b))), low, high);
    std::copy(found.values.begin(), found.values.end(), result.data() + b * s[1] * s[2]);
  }
  return result;
}

}  // namespace obscura::image
