#include "image/mask.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "tensor/resize.h"

namespace obscura::image {
namespace {

// One step with the neighbours above, below, left, right and, unless tapered, on the diagonals;
// outside of the mask counts as nothing.
template <class Choose>
Tensor step(const Tensor& mask, bool tapered, const Choose& choose) {
  const Shape& s = mask.shape();
  Tensor result = mask.clone();
  for (std::int64_t b = 0; b < s[0]; ++b) {
    const float* plane = mask.data() + b * s[1] * s[2];
    float* out = result.data() + b * s[1] * s[2];
    for (std::int64_t y = 0; y < s[1]; ++y) {
      for (std::int64_t x = 0; x < s[2]; ++x) {
        float& value = out[y * s[2] + x];
        for (std::int64_t dy = -1; dy <= 1; ++dy) {
          for (std::int64_t dx = -1; dx <= 1; ++dx) {
            if (tapered && dy != 0 && dx != 0) continue;
            if (y + dy < 0 || y + dy >= s[1] || x + dx < 0 || x + dx >= s[2]) continue;
            value = choose(value, plane[(y + dy) * s[2] + x + dx]);
          }
        }
      }
    }
  }
  return result;
}

}  // namespace

Tensor resize_mask(const Tensor& mask, std::int64_t height, std::int64_t width, ResizeMethod method,
                   ResizeCrop crop) {
  const Shape& s = mask.shape();
  if (s[1] == height && s[2] == width) return mask;
  return resize(mask.reshaped({s[0], 1, s[1], s[2]}), width, height, method, crop)
      .reshaped({s[0], height, width});
}

float faded(std::int64_t place, std::int64_t width) {
  return place < width ? static_cast<float>(place + 1) / static_cast<float>(width) : 1;
}

Tensor dilate(const Tensor& mask, std::int64_t before, std::int64_t after) {
  const Shape& s = mask.shape();
  Tensor rows(s), result(s);
  auto window = [&](std::int64_t at, std::int64_t size, auto&& value) {
    float most = -std::numeric_limits<float>::infinity();
    std::int64_t end = std::min(size - 1, at + after);
    for (std::int64_t i = std::max<std::int64_t>(0, at - before); i <= end; ++i)
      most = std::max(most, value(i));
    return most;
  };
  for (std::int64_t i = 0; i < mask.elements(); ++i) {
    std::int64_t x = i % s[2], line = i - x;
    rows.data()[i] = window(x, s[2], [&](std::int64_t at) { return mask.data()[line + at]; });
  }
  for (std::int64_t i = 0; i < mask.elements(); ++i) {
    std::int64_t y = i / s[2] % s[1], column = i - y * s[2];
    result.data()[i] =
        window(y, s[1], [&](std::int64_t at) { return rows.data()[column + at * s[2]]; });
  }
  return result;
}

Result<Tensor> grow(const Tensor& mask, std::int64_t radius, bool tapered,
                    const CancelToken& cancel) {
  Tensor result = mask;
  for (std::int64_t i = 0; i < std::abs(radius); ++i) {
    OBSCURA_TRY(cancel.check());
    auto most = [](float a, float b) { return std::max(a, b); };
    auto least = [](float a, float b) { return std::min(a, b); };
    Tensor next = radius > 0 ? step(result, tapered, most) : step(result, tapered, least);
    if (std::equal(next.values().begin(), next.values().end(), result.values().begin())) break;
    result = std::move(next);
  }
  return result;
}

void cover(Tensor& images, const Tensor& mask) {
  const Shape& s = images.shape();
  const std::int64_t pixels = s[1] * s[2];
  for (std::int64_t i = 0; i < s[0] * pixels; ++i) {
    const float kept =
        1 - std::nearbyint(mask.data()[i / pixels % mask.shape()[0] * pixels + i % pixels]);
    for (std::int64_t c = 0; c < std::min<std::int64_t>(s[3], 3); ++c) {
      float& value = images.data()[i * s[3] + c];
      value = (value - 0.5f) * kept + 0.5f;
    }
  }
}

}  // namespace obscura::image
