// Between stored samples and the floats of an image.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/tensor.h"

namespace obscura::io {

// v/255 and v/65535. REQUIRES: samples.size() == shape.elements().
Tensor unit_floats(std::span<const std::uint8_t> samples, const Shape& shape);
Tensor unit_floats(std::span<const std::uint16_t> samples, const Shape& shape);

// Clips to 0…1, scales by `largest` and rounds to nearest, halves up. A NaN becomes 0.
// ComfyUI truncates instead, which darkens an image by half a step each time it is saved and
// loaded.
inline std::uint32_t quantised(float value, float largest) {
  if (!(value > 0.0f)) return 0;
  // In double the product and the sum are exact, so that nothing is rounded twice.
  double scaled = double{value < 1.0f ? value : 1.0f} * double{largest};
  return static_cast<std::uint32_t>(scaled + 0.5);  // NOLINT(bugprone-incorrect-roundings)
}

}  // namespace obscura::io
