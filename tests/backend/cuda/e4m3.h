// Rounding to e4m3 by its definition: the nearest of all its values.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>

#include "tensor/dtype.h"

namespace obscura::test {

// Its finite values by size. Neighbours in this order have even and odd codes in turn.
inline const std::array<float, 127>& e4m3_magnitudes() {
  static const std::array<float, 127> kMagnitudes = [] {
    std::array<std::byte, 127> codes;
    for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::byte>(i);
    std::array<float, 127> values;
    widen_to_f32(DType::kF8E4M3, codes.data(), values.data(), values.size());
    return values;
  }();
  return kMagnitudes;
}

// To nearest, ties to the even code; beyond the largest value, that value.
inline float to_e4m3(float x) {
  const auto& values = e4m3_magnitudes();
  float size = std::fabs(x);
  auto above = static_cast<std::size_t>(std::lower_bound(values.begin(), values.end(), size) -
                                        values.begin());
  std::size_t nearest = std::min(above, values.size() - 1);
  if (above > 0 && above < values.size()) {
    double up = static_cast<double>(values[above]) - size,
           down = static_cast<double>(size) - values[above - 1];
    if (down < up || (down == up && above % 2 == 1)) nearest = above - 1;
  }
  return std::copysign(values[nearest], x);
}

inline float e4m3_scale(std::span<const float> row) {
  float largest = 0;
  for (float x : row) largest = std::max(largest, std::fabs(x));
  return largest > 0 ? largest / 448 : 1;
}

// What a row stands for after rounding.
inline void round_row_to_e4m3(std::span<float> row) {
  float scale = e4m3_scale(row);
  for (float& x : row) x = to_e4m3(x / scale) * scale;
}

}  // namespace obscura::test
