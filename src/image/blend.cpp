#include "image/blend.h"

#include <cmath>
#include <string>

namespace obscura::image {
namespace {

// W3C's soft light.
float soft_light(float a, float b) {
  if (b <= 0.5f) return a - (1 - 2 * b) * a * (1 - a);
  float g = a <= 0.25f ? ((16 * a - 12) * a + 4) * a : std::sqrt(a);
  return a + (2 * b - 1) * (g - a);
}

}  // namespace

BlendFunction blend_function(const std::string& mode) {
  if (mode == "multiply") return [](float a, float b) { return a * b; };
  if (mode == "screen") return [](float a, float b) { return 1 - (1 - a) * (1 - b); };
  if (mode == "overlay")
    return [](float a, float b) { return a <= 0.5f ? 2 * a * b : 1 - 2 * (1 - a) * (1 - b); };
  if (mode == "soft_light") return soft_light;
  if (mode == "difference") return [](float a, float b) { return a - b; };
  return [](float, float b) { return b; };
}

}  // namespace obscura::image
